"""The bare arm: one small API and one worker process, on the same two servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

import orjson
import psycopg
from temporalio.client import Client

from bench import playbook
from bench.arms import Record
from bench.bare.rows import SCHEMA
from bench.servers import Crew, Servers, crew
from bench.wire import Call
from runtime.embedded.ports import free_ports
from runtime.temporal_client import connected_client, connection

DATABASE = "bare"


class Bare:
    """What a careful engineer writes by hand on Temporal in a day."""

    name = "bare"

    def __init__(self, servers: Servers, made: Crew, client: Client) -> None:
        self.servers = servers
        self.crew = made
        self.client = client
        self.record = Record(servers.postgres.url(DATABASE, scheme="postgresql"))

    async def accounts(self, count: int) -> list[UUID]:
        return [uuid4() for _ in range(count)]

    def start(self, account: UUID, key: str) -> Call:
        body = orjson.dumps({"playbook": playbook.KEY, "account": str(account)})
        return Call("POST", "/executions", body, {"Idempotency-Key": key}, 201)

    def start_some(self, accounts: Sequence[UUID], key: str) -> None:
        return None

    def complete(self, execution: UUID, step: str, key: str) -> Call:
        path = f"/executions/{execution}/steps/{step}/complete"
        body = orjson.dumps({"evidence": playbook.EVIDENCE})
        return Call("POST", path, body, {"Idempotency-Key": key})

    async def readable(self, executions: Sequence[UUID] | None = None) -> int:
        some = None if executions is None else list(executions)
        return await self.record.count(
            "select count(*) from steps where step = %s"
            " and (%s::uuid[] is null or execution = any(%s))",
            playbook.STEPS[0],
            some,
            some,
        )

    async def numbers(self, executions: Sequence[UUID]) -> dict[UUID, int]:
        query = "select id, number from executions where id = any(%s)"
        return {row[0]: row[1] for row in await self.record.select(query, list(executions))}

    async def closed_steps(self, executions: Sequence[UUID]) -> int:
        query = "select count(*) from steps where execution = any(%s) and status = 'completed'"
        return await self.record.count(query, list(executions))

    async def untold(self) -> int:
        return 0  # the workflow itself makes every transition

    async def recorded(self, executions: Sequence[UUID]) -> dict[tuple[UUID, int], datetime]:
        query = "select execution, number, recorded_at from transitions where execution = any(%s)"
        rows = await self.record.select(query, list(executions))
        return {(execution, number): at for execution, number, at in rows}

    def workflow(self, execution: UUID) -> str:
        return f"bare-{execution}"


@asynccontextmanager
async def bare(servers: Servers) -> AsyncIterator[Bare]:
    """The bare arm, ready, with its tables."""
    servers.postgres.ensure_database(DATABASE)
    url = servers.postgres.url(DATABASE)
    with psycopg.connect(servers.postgres.url(DATABASE, scheme="postgresql")) as made:
        made.execute(SCHEMA)
    environment = servers.environment(url, {})
    with crew(
        "bare",
        servers.directory,
        free_ports(1)[0],
        ("-m", "bench.bare.api"),
        ("-m", "bench.bare.worker"),
        environment,
    ) as people:
        arm = Bare(servers, people, await connected_client(connection(environment)))
        yield arm
        await arm.record.close()
