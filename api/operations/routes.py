"""Whether this process lives, whether it can serve, and what it measures. No token needed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from starlette.responses import Response

from api.operations.schemas import Alive, Ready
from api.parts import parts_of
from api.problems import documented
from db.migrate import newest
from db.prepared import Prepared
from domain.errors import Unavailable

router = APIRouter(tags=["operations"], responses=documented(500, 503))

_REVISION = Prepared(text("select version_num from public.alembic_version"))


@router.get("/healthz")
async def healthz() -> Alive:
    """The process answers; says nothing about the database."""
    return Alive()


@router.get("/readyz")
async def readyz(request: Request) -> Ready:
    """The database answers and has the schema that this code needs; else 503."""
    rows = await parts_of(request).database.at_once(_REVISION, {})
    found = rows[0][0] if rows else None
    if found != newest():
        raise Unavailable(
            "The database has another schema than this program needs. Run `holdfast migrate`.",
            code="schema_differs",
            details={"found": found, "needed": newest()},
        )
    return Ready(schema_version=newest())


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus text; empty where telemetry is not set up."""
    telemetry = parts_of(request).settings.telemetry
    if telemetry is None:
        return Response(b"", media_type=CONTENT_TYPE_LATEST)
    content, media_type = telemetry.metrics_text()
    return Response(content, media_type=media_type)
