"""Our arm: the shipped API and worker, reached over HTTP with a bearer token."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson
from sqlalchemy import insert
from temporalio.client import Client

from bench import playbook
from bench.arms import Record
from bench.servers import Crew, Servers, crew
from bench.wire import Call
from db.bulk import table_of
from db.engine import Database
from db.models.account_team import AccountTeamPlace
from db.models.accounts import Account
from db.queries import across, members, playbook_catalogue
from db.scope import Scope
from domain.playbook.codec import content_hash, definition_to_json
from domain.playbook.definition import Definition, Role
from domain.playbook.state import ENGINE_REVISION
from runtime.embedded.ports import free_ports
from runtime.ids import new_id
from runtime.temporal_client import connected_client, connection
from runtime.tokens import new_token
from workflows.ids import workflow_id

DATABASE = "holdfast"
PREFIX = "/api/v1"
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class House:
    """An organization with a CSM who holds a token, and a director."""

    scope: Scope
    csm: UUID
    director: UUID
    token: str


class Ours:
    """Holdfast as it is run in production: one API process, one worker process."""

    name = "ours"

    def __init__(
        self, servers: Servers, made: Crew, client: Client, database: Database, house: House
    ) -> None:
        self.servers = servers
        self.crew = made
        self.client = client
        self.house = house
        self._database = database
        self.record = Record(servers.postgres.url(DATABASE, scheme="postgresql"))

    async def accounts(self, count: int) -> list[UUID]:
        made = [new_id() for _ in range(count)]
        await add_accounts(self._database, self.house, made)
        return made

    def start(self, account: UUID, key: str) -> Call:
        body = orjson.dumps({"playbook": playbook.KEY, "account": str(account)})
        return Call("POST", f"{PREFIX}/executions", body, self._headers(key), 201)

    def start_some(self, accounts: Sequence[UUID], key: str) -> Call:
        body = orjson.dumps({"playbook": playbook.KEY, "accounts": [str(one) for one in accounts]})
        return Call("POST", f"{PREFIX}/executions/bulk", body, self._headers(key))

    def complete(self, execution: UUID, step: str, key: str) -> Call:
        path = f"{PREFIX}/executions/{execution}/steps/{step}/complete"
        return Call("POST", path, orjson.dumps({"evidence": playbook.EVIDENCE}), self._headers(key))

    async def readable(self, executions: Sequence[UUID] | None = None) -> int:
        return await self.record.count(
            "select count(*) from steps where step = %s and assignee_id = %s"
            " and opened_at is not null and (%s::uuid[] is null or execution_id = any(%s))",
            playbook.STEPS[0],
            self.house.csm,
            _some(executions),
            _some(executions),
        )

    async def numbers(self, executions: Sequence[UUID]) -> dict[UUID, int]:
        query = "select id, number from executions where id = any(%s)"
        return {row[0]: row[1] for row in await self.record.select(query, list(executions))}

    async def closed_steps(self, executions: Sequence[UUID]) -> int:
        query = "select count(*) from steps where execution_id = any(%s) and status = 'completed'"
        return await self.record.count(query, list(executions))

    async def untold(self) -> int:
        return await self.record.count("select count(*) from relay")

    async def recorded(self, executions: Sequence[UUID]) -> dict[tuple[UUID, int], datetime]:
        query = (
            "select execution_id, number, recorded_at from transitions where execution_id = any(%s)"
        )
        rows = await self.record.select(query, list(executions))
        return {(execution, number): at for execution, number, at in rows}

    def workflow(self, execution: UUID) -> str:
        return workflow_id(self.house.scope.org, execution)

    def _headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.house.token}", "Idempotency-Key": key}


@asynccontextmanager
async def ours(servers: Servers) -> AsyncIterator[Ours]:
    """Our arm, ready, with an organization and its playbook."""
    environment = prepared(servers)
    client = await connected_client(connection(environment))
    database = Database(environment["DATABASE_URL"], pool_size=2, application="bench")
    try:
        house = await furnished(database, playbook.definition(), playbook.source())
        with crew(
            "ours",
            servers.directory,
            free_ports(1)[0],
            ("-m", "cli", "api"),
            ("-m", "worker"),
            environment,
        ) as made:
            arm = Ours(servers, made, client, database, house)
            yield arm
            await arm.record.close()
    finally:
        await database.close()


def prepared(servers: Servers) -> dict[str, str]:
    """The environment of our processes, on a migrated database."""
    servers.postgres.ensure_database(DATABASE)
    environment = servers.environment(
        servers.postgres.url(DATABASE, user="holdfast_app"),
        {
            "HOLDFAST_ADMIN_DATABASE_URL": servers.postgres.url(DATABASE),
            "HOLDFAST_DATA_DIR": str(servers.directory),
            "HOLDFAST_DEMO": "false",
        },
    )
    subprocess.run(
        [sys.executable, "-m", "cli", "migrate"],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
    )
    return environment


async def furnished(database: Database, definition: Definition, source: str) -> House:
    """An organization whose playbook is enabled."""
    async with database.unscoped() as unscoped:
        scope = await across.create_organization(unscoped, new_id(), new_id(), "Bench")
        people = [
            await across.ensure_user(unscoped, new_id(), f"{name}@example.test", name)
            for name in ("csm", "director")
        ]
    csm, director, token = new_id(), new_id(), new_token()
    async with database.transaction(scope) as session:
        await members.add_member(session, director, people[1], [Role.director.value])
        await members.add_member(session, csm, people[0], [Role.csm.value], manager=director)
        await members.add_token(
            session, new_id(), csm, name="bench", prefix=token.prefix, sha256=token.sha256
        )
        new = playbook_catalogue.NewVersion(
            id=new_id(),
            key=definition.key,
            name=definition.name,
            source=source,
            definition=definition_to_json(definition),
            content_hash=content_hash(definition),
            engine=ENGINE_REVISION,
            enabled_at_first=True,
        )
        await playbook_catalogue.publish(session, scope.org, new, csm)
        await playbook_catalogue.enable(session, scope.org, definition.key, None)
    return House(scope, csm, director, token.text)


async def add_accounts(database: Database, house: House, made: Sequence[UUID]) -> None:
    """Accounts whose team is the house's CSM and director."""
    org = house.scope.org
    for first in range(0, len(made), _ROWS_AT_ONCE):
        some = made[first : first + _ROWS_AT_ONCE]
        async with database.transaction(house.scope) as session:
            await session.run(
                insert(table_of(Account)),
                [{"org_id": org, "id": one, "name": f"Account {one}"} for one in some],
            )
            await session.run(
                insert(table_of(AccountTeamPlace)),
                [
                    {"org_id": org, "account_id": one, "role": role.value, "member_id": member}
                    for one in some
                    for role, member in ((Role.csm, house.csm), (Role.director, house.director))
                ],
            )


def _some(executions: Sequence[UUID] | None) -> list[UUID] | None:
    return None if executions is None else list(executions)
