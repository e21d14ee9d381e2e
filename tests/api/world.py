"""A small organization behind a real API: people with tokens, an account, the shipped playbooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from db.engine import Database
from db.queries import members
from db.scope import Scope
from domain.playbook.definition import Role, Value
from playbooks.library import shipped
from runtime.ids import new_id
from runtime.settings import DatabaseSettings, HttpSettings
from runtime.tokens import new_token
from tests import factories
from tests.factories import Person

V1 = "/api/v1"
PLAYBOOKS = ("at-risk-intervention", "hand-over")


@dataclass(slots=True)
class Clock:
    """The database's clock, ahead by as much as a test says."""

    ahead: timedelta = timedelta(0)

    def __call__(self, at: datetime) -> datetime:
        return at + self.ahead


@dataclass(slots=True)
class World:
    """One organization as its members reach it."""

    app: FastAPI
    database: Database
    clock: Clock
    scope: Scope
    people: dict[Role, Person]
    tokens: dict[Role, str]
    account: UUID
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def as_(self, role: Role) -> httpx.AsyncClient:
        """A client that bears the token of the member with this role."""
        return self.bearing(self.tokens[role])

    def bearing(self, token: str | None) -> httpx.AsyncClient:
        """A client with any token, or none; every answer's status must be documented."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = client_of(self.app, headers)
        self.clients.append(client)
        return client

    async def start(self, playbook: str = "at-risk-intervention") -> dict[str, Any]:
        """A fresh execution for the account, read whole."""
        answer = await self.as_(Role.csm).post(
            f"{V1}/executions", json={"playbook": playbook, "account": str(self.account)}
        )
        assert answer.status_code == 201, answer.text
        return await self.read(answer.json()["execution"]["id"])

    async def read(self, execution: str) -> dict[str, Any]:
        """An execution as it stands."""
        answer = await self.as_(Role.csm).get(f"{V1}/executions/{execution}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def another_account(self) -> UUID:
        """A fresh account with the same team and fields."""
        name = f"Account {uuid4()}"
        return await factories.account(
            self.database, self.scope, name, team=team_of(self.people), fields=FIELDS
        )

    async def token_for(self, person: Person) -> str:
        """A new token of a member."""
        return await issue(self.database, person)


def client_of(app: FastAPI, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    async def documented(response: httpx.Response) -> None:
        assert_documented(app, response)

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://holdfast.test",
        headers=headers or {},
        event_hooks={"response": [documented]},
    )


def assert_documented(app: FastAPI, response: httpx.Response) -> None:
    """Fails where the served OpenAPI document does not know this status of this route."""
    path, method = response.request.url.path, response.request.method.lower()
    paths = app.openapi()["paths"]
    for template, operations in paths.items():
        if method in operations and _fits(template, path):
            known = operations[method]["responses"]
            assert str(response.status_code) in known, (method, template, response.status_code)
            return


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        one.startswith("{") or one == other for one, other in zip(wanted, given, strict=True)
    )


async def issue(database: Database, person: Person) -> str:
    token = new_token()
    async with database.transaction(person.scope) as session:
        await members.add_token(
            session, new_id(), person.id, name="test", prefix=token.prefix, sha256=token.sha256
        )
    return token.text


FIELDS: dict[str, Value] = {"health.score": 60, "account.stage": "customer"}


@asynccontextmanager
async def serving(database_url: str, clock: Clock) -> AsyncIterator[FastAPI]:
    """The app as it is served, with its lifespan."""
    app = create_app(
        ApiSettings(DatabaseSettings(url=database_url), HttpSettings(), clock=clock, pool_size=5)
    )
    async with app.router.lifespan_context(app):
        yield app


def team_of(people: dict[Role, Person]) -> dict[Role, Person]:
    """Who works on the accounts of a world."""
    return {role: people[role] for role in (Role.csm, Role.account_manager, Role.director)}


async def populate(app: FastAPI, database: Database, clock: Clock, name: str) -> World:
    """An organization with one member of each role, an account with its team, and playbooks."""
    scope = await factories.organization(database, name)
    people = {role: await factories.person(database, scope, role) for role in Role}
    tokens = {role: await issue(database, person) for role, person in people.items()}
    account = await factories.account(
        database, scope, f"Globex of {name}", team=team_of(people), fields=FIELDS
    )
    for key in PLAYBOOKS:
        await factories.published(database, people[Role.ops], shipped()[key].definition)
    return World(app, database, clock, scope, people, tokens, account)
