"""The API's composition root: engines made in the lifespan, every router mounted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import problems
from api.limits import LimitProblems
from api.mounted import ROUTERS
from api.operations.routes import router as operations
from api.parts import Parts
from api.problems import Problem
from api.settings import ApiSettings
from db.engine import Database
from db.lives import Lives
from runtime.temporal_client import lazy_client
from workflows.client import Teller

PREFIX = "/api/v1"


def create_app(settings: ApiSettings) -> FastAPI:
    """The whole API. Starts and serves while Temporal is down; without a database it says 503."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database.url, pool_size=settings.pool_size)
        lives = Lives(database)
        teller: Teller | None = None
        try:
            if settings.temporal is not None:
                teller = Teller(
                    await lazy_client(settings.temporal),
                    stored=lives.stored,
                    confirmed=lives.confirmed,
                    task_queue=settings.task_queue,
                )
            app.state.parts = Parts(settings, database, teller)
            yield
        finally:
            if teller is not None:
                await teller.close()
                await lives.close()
            await database.close()

    measured = settings.telemetry
    app = FastAPI(
        telemetry={"tracing": measured is not None and measured.tracing},  # spans that are sent
        title="Holdfast",
        summary="Durable customer-success playbooks",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: f"{(route.tags or ['x'])[0]}_{route.name}",
    )
    app.add_middleware(LimitProblems)
    problems.install(app)
    app.include_router(operations)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """Adds to the served document what FastAPI does not know: problems, tokens, keys."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = get_openapi(
            title=app.title,
            summary=app.summary,
            version=app.version,
            openapi_version="3.1.0",
            routes=app.routes,
        )
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations_ in document["paths"].items():
            for method, operation in operations_.items():
                if path.startswith(PREFIX):
                    operation["security"] = [{"token": []}]
                    if method != "get":
                        operation.setdefault("parameters", []).extend((_KEY, _BEHALF))
        app.openapi_schema = document
        return document

    app.openapi = openapi  # type: ignore[method-assign]


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gives the same answer, once done.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}

_BEHALF = {
    "name": "Holdfast-On-Behalf-Of",
    "in": "header",
    "required": False,
    "description": "A member who is away and whom the caller stands in for",
    "schema": {"type": "string", "format": "uuid"},
}
