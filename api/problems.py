"""The one place where an error becomes an answer: RFC 9457 problem+json with a stable `code`.

Nothing of a stack trace, a statement or an input leaves the house.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from domain.errors import (
    Conflict,
    Forbidden,
    HoldfastError,
    Invalid,
    NotFound,
    PlaybookInvalid,
    Refused,
    Unavailable,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_OF_CLASS: dict[type[HoldfastError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Refused: 409,
    Invalid: 422,
    Unavailable: 503,
}

STATUS_OF_CODE: dict[str, int] = {
    "unauthenticated": 401,
    "role_not_allowed": 403,
    "not_the_receiver": 403,
    "unknown_step": 404,
    "malformed_request": 400,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "body_too_large": 413,
    "unsupported_media_type": 415,
}
"""Codes whose status differs from that of their class."""

CODE_OF_STATUS: dict[int, str] = {
    400: "malformed_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
}

ADVICE: dict[str, str] = {
    "malformed_request": "The body could not be read; send well-formed JSON in UTF-8.",
    "not_found": "There is nothing at this address; see /api/v1/openapi.json for what there is.",
    "method_not_allowed": "This address takes other methods; see the header Allow.",
    "body_too_large": "Send a smaller body, or split it into several requests.",
    "unsupported_media_type": "Send application/json, or multipart/form-data for imports.",
}

RETRY_AFTER = 2
"""Seconds after which a request that met a part that is down is worth sending again."""


class FieldProblem(BaseModel):
    """One field that cannot be taken: where it stands, a code and what is wrong."""

    field: str
    code: str
    message: str


class Problem(BaseModel):
    """What every error looks like. Programs read `code`; people read `detail`."""

    model_config = ConfigDict(json_schema_extra={"description": "RFC 9457 problem details"})

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    details: dict[str, Any]


def status_of(error: HoldfastError) -> int:
    """The HTTP status of a domain error: by its code, else by its class, else 500."""
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    for kind in type(error).__mro__:
        if kind in STATUS_OF_CLASS:
            return STATUS_OF_CLASS[kind]
    return 500


def problem(
    status: int,
    code: str,
    detail: str,
    details: Mapping[str, object],
    instance: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response of one problem; 401 and 503 get the headers that belong to them."""
    sent = dict(headers or {})
    if status == 401:
        sent.setdefault("WWW-Authenticate", "Bearer")
    if status == 503:
        sent.setdefault("Retry-After", str(RETRY_AFTER))
    body = {
        "type": f"urn:holdfast:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
        "details": dict(details),
    }
    content = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, sent, MEDIA_TYPE)


def details_of(error: HoldfastError) -> dict[str, object]:
    """The error's details; a playbook's findings stand under `findings`."""
    details = dict(error.details)
    if isinstance(error, PlaybookInvalid):
        details["findings"] = [
            {
                "file": finding.file,
                "line": finding.line,
                "column": finding.column,
                "code": finding.code,
                "message": finding.message,
                "fix": finding.fix,
            }
            for finding in error.findings
        ]
    return details


def of_database(error: SQLAlchemyError) -> HoldfastError | None:
    """Unavailable where the database is down, cut off, full or asks to try again; else None.

    The classes are SQLSTATE's: 08 connection, 25006 read-only, 40 rolled back by the server,
    53 resources, 57 operator intervention, 58 system error; no state at all is a lost connection.
    """
    if isinstance(error, PoolTimeout):
        return Unavailable("All database connections are busy; send the same request again.")
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    lost = error.connection_invalidated or (
        state is None and type(error.orig).__name__ in {"OperationalError", "InterfaceError"}
    )
    if state is not None and state[:2] == "40":
        return Unavailable(
            "Somebody changed the same thing at this moment; send the same request again.",
            code="try_again",
        )
    if lost or (state is not None and (state[:2] in {"08", "53", "57", "58"} or state == "25006")):
        return Unavailable("The database cannot be reached; send the same request again.")
    return None


def _field_path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def install(app: FastAPI) -> None:
    """Registers the handlers, so that no error leaves the app in another shape."""

    async def of_domain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HoldfastError)
        return problem(
            status_of(error), error.code, error.message, details_of(error), request.url.path
        )

    async def of_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = [
            {
                "field": _field_path(item["loc"]),
                "code": str(item["type"]),
                "message": str(item["msg"]),
            }
            for item in error.errors()[:100]
        ]
        if any(field["code"] == "json_invalid" for field in fields):
            return problem(
                400, "malformed_request", ADVICE["malformed_request"], {}, request.url.path
            )
        named = ", ".join(field["field"] for field in fields[:5])
        return problem(
            422,
            "invalid_request",
            f"Correct these fields and send again: {named}.",
            {"fields": fields},
            request.url.path,
        )

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = CODE_OF_STATUS.get(error.status_code, "error")
        detail = ADVICE.get(code, str(error.detail))
        return problem(error.status_code, code, detail, {}, request.url.path, error.headers)

    async def of_storage(request: Request, error: Exception) -> Response:
        assert isinstance(error, SQLAlchemyError)
        known = of_database(error)
        if known is None:
            return await of_anything(request, error)
        logger.warning("database unavailable", extra={"path": request.url.path})
        return await of_domain(request, known)

    async def of_connection(request: Request, error: Exception) -> Response:
        return await of_domain(
            request, Unavailable("The database cannot be reached; send the same request again.")
        )

    async def of_anything(request: Request, error: Exception) -> Response:
        logger.error("unexpected error", exc_info=error, extra={"path": request.url.path})
        return problem(
            500,
            "unexpected",
            "Something failed on our side; it is in the log. Send the same request again, "
            "with the same Idempotency-Key.",
            {},
            request.url.path,
        )

    app.add_exception_handler(HoldfastError, of_domain)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(SQLAlchemyError, of_storage)
    app.add_exception_handler(OSError, of_connection)
    app.add_exception_handler(Exception, of_anything)


_DESCRIPTIONS: dict[int, str] = {
    400: "The body could not be read.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The roles of the caller do not allow this.",
    404: "There is no such thing in this organization.",
    409: "Refused: the state does not allow this now.",
    413: "The body is too large.",
    422: "The input cannot be taken as it is.",
    500: "Something failed on our side.",
    503: "A part we need is down; send the same request again.",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for these statuses, as OpenAPI wants them."""
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
