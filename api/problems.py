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
from sqlalchemy.exc import DataError, IntegrityError
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
    Unauthenticated,
    Unavailable,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_OF_CLASS: dict[type[HoldfastError], int] = {
    Unauthenticated: 401,
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Refused: 409,
    Invalid: 422,
    Unavailable: 503,
}

STATUS_OF_CODE: dict[str, int] = {
    # the actor, not the state, stands in the way
    "role_may_not": 403,
    "waiver_self_approval": 403,
    # the thing that was named does not exist
    "unknown_step": 404,
    # the input is at fault, whatever the state
    "cancel_code_invalid": 422,
    "choice_invalid": 422,
    "choice_missing": 422,
    "evidence_invalid": 422,
    "evidence_missing": 422,
    "evidence_unknown": 422,
    "follow_up_past": 422,
    "occurred_in_future": 422,
    "parameter_invalid": 422,
    "parameter_missing": 422,
    "snooze_past": 422,
    "unknown_parameter": 422,
    "waiver_expired": 422,
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


def problem_of(error: HoldfastError, instance: str) -> Response:
    """The response of a domain error."""
    return problem(status_of(error), error.code, error.message, details_of(error), instance)


def of_integrity(error: IntegrityError | DataError) -> HoldfastError:
    """What a constraint of the database says, where no query has said it better before.

    The classes are SQLSTATE's: 23505 unique, 23503 foreign key; others are values out of bounds.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state == "23505":
        return Conflict(
            "There is such a thing already. Read it, and change that one.", code="already_exists"
        )
    if state == "23503":
        return Invalid(
            "An id in the request belongs to nothing in this organization. Correct it.",
            code="unknown_reference",
        )
    return Invalid(
        "A value is out of bounds for its field. Correct it and send again.", code="invalid_value"
    )


def _field_path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def install(app: FastAPI) -> None:
    """Registers the handlers, so that no error leaves the app in another shape."""

    async def of_domain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HoldfastError)
        return problem_of(error, request.url.path)

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

    async def of_constraint(request: Request, error: Exception) -> Response:
        assert isinstance(error, IntegrityError | DataError)
        return problem_of(of_integrity(error), request.url.path)

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
    app.add_exception_handler(IntegrityError, of_constraint)
    app.add_exception_handler(DataError, of_constraint)
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
