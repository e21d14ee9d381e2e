"""Errors in one shape, limits, and a database that goes away and comes back."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg.sql import SQL, Identifier

from api import problems
from api.app import create_app
from api.settings import ApiSettings
from domain.playbook.definition import Role
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.settings import DatabaseSettings, HttpSettings
from tests.api.world import V1, World, client_of
from tests.postgres import FreshDatabase

pytestmark = pytest.mark.anyio


class TestShape:
    async def test_an_unknown_route(self, world: World) -> None:
        answer = await world.as_(Role.csm).get(f"{V1}/nowhere")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found"
        assert answer.json()["instance"] == f"{V1}/nowhere"

    async def test_another_method(self, world: World) -> None:
        answer = await world.as_(Role.csm).delete(f"{V1}/inbox")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")

    async def test_json_that_is_none(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/tasks", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")

    async def test_a_body_that_is_too_large(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(f"{V1}/tasks", json={"title": "x" * (2 << 20)})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def test_a_page_that_is_too_large(self, world: World) -> None:
        answer = await world.as_(Role.csm).get(f"{V1}/tasks", params={"limit": 201})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

    @pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
    async def test_a_key_that_is_none(self, world: World, key: str) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/tasks", json={"title": "x"}, headers={"Idempotency-Key": key}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_idempotency_key")

    async def test_an_id_of_nothing_in_a_body(self, world: World) -> None:
        body = {"title": "x", "contact": "01900000-0000-7000-8000-000000000000"}
        answer = await world.as_(Role.csm).post(f"{V1}/tasks", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")

    async def test_text_with_a_zero_byte(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(f"{V1}/tasks", json={"title": "a\x00b"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

    @pytest.mark.parametrize("token", ["nonsense", "hf_" + "x" * 51, "h\u00fc"])
    async def test_tokens_that_are_none(self, world: World, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}".encode()}
        answer = await client_of(world.app).get(f"{V1}/me", headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


class TestDatabaseDown:
    async def test_says_503_and_comes_back(
        self,
        world: World,
        fresh_database: FreshDatabase,
        postgres_server: EmbeddedPostgres,
    ) -> None:
        client = world.as_(Role.csm)
        task = {"title": "Call"}
        name = fresh_database.name
        with psycopg.connect(postgres_server.url(scheme="postgresql"), autocommit=True) as admin:
            admin.execute(SQL("alter database {} allow_connections false").format(Identifier(name)))
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
            )
            down = await client.post(f"{V1}/tasks", json=task)
            ready = await client.get("/readyz")
            admin.execute(SQL("alter database {} allow_connections true").format(Identifier(name)))
        assert (down.status_code, down.json()["code"]) == (503, "database_unavailable")
        assert int(down.headers["retry-after"]) > 0
        assert ready.status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.post(f"{V1}/tasks", json=task)).status_code == 201
        assert len((await client.get(f"{V1}/tasks")).json()["items"]) == 1

    async def test_an_app_without_a_database_starts_and_says_so(self) -> None:
        url = "postgresql+psycopg://nobody@127.0.0.1:9/none"
        app = create_app(ApiSettings(DatabaseSettings(url=url), HttpSettings()))
        async with app.router.lifespan_context(app), client_of(app) as client:
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503


class TestReady:
    async def test_names_the_schema(self, world: World) -> None:
        answer = await client_of(world.app).get("/readyz")
        assert answer.status_code == 200, answer.text

    async def test_metrics_answer(self, app: FastAPI) -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://holdfast.test"
        ) as client:
            assert (await client.get("/metrics")).status_code == 200


def test_the_reference_lists_every_code_with_a_status_of_its_own() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/api.md").read_text(encoding="utf-8")
    codes = {*problems.STATUS_OF_CODE, *problems.CODE_OF_STATUS.values()}
    assert {code for code in codes if f"`{code}`" not in reference} == set()
