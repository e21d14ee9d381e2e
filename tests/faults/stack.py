"""The whole product as it runs in production: servers, API and workers as processes of their own.

Everything is found by environment, durable, on loopback. What a test kills it brings back itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import make_url
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from db import migrate, roles
from domain.errors import Unavailable
from runtime.embedded.ports import LOOPBACK, free_ports
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.program import Program
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.readiness import READY_FILE
from tests.faults.gate import Gate
from tests.faults.mail import PatientMailbox, patient_mailbox

DATABASE = "holdfast"
_PASSWORD = "app-for-tests"
PARTS = ("postgres", "temporal", "api", "worker-1", "worker-2")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Gates:
    """What stands between our processes and the servers where a test asked for it."""

    api_to_postgres: Gate
    api_to_temporal: Gate
    worker_to_postgres: Gate

    def close(self) -> None:
        for gate in (self.api_to_postgres, self.api_to_temporal, self.worker_to_postgres):
            gate.close()


class Stack:
    """PostgreSQL, Temporal, one API, two workers and a mail server. Made by `stack`."""

    def __init__(self, directory: Path, box: PatientMailbox, *, gated: bool) -> None:
        self.directory = directory
        self.box = box
        self.postgres = EmbeddedPostgres(directory / "postgres", tcp=True)
        self.temporal = EmbeddedTemporal(directory / "temporal")
        self.kills: list[tuple[float, str]] = []
        self.gates: Gates | None = None
        self._gated = gated
        self._programs: dict[str, Program] = {}
        # Children end with the thread that started them, so these threads live as long as we do.
        self._hands = ThreadPoolExecutor(max_workers=4)

    @property
    def admin_url(self) -> str:
        """The superuser's address, for looking at everything."""
        return self.postgres.url(DATABASE)

    @property
    def app_url(self) -> str:
        """The app role's address, straight to the server."""
        return self._app_url(self.postgres.port)

    @property
    def url(self) -> str:
        """Where people reach the API."""
        return f"http://{LOOPBACK}:{self.port}"

    def gate(self) -> Gates:
        """The gates of a stack that was asked for some."""
        assert self.gates is not None
        return self.gates

    async def start(self) -> None:
        """Everything up and ready, the schema in place."""
        await asyncio.gather(
            self.handle(self.postgres.start),
            self.handle(self.temporal.start),
        )
        await self.handle(self._migrate)
        if self._gated:
            self.gates = Gates(
                Gate(self.postgres.port), Gate(self.temporal.port), Gate(self.postgres.port)
            )
        (self.port,) = free_ports(1)
        self._make_programs()
        await asyncio.gather(*(self.revive(part) for part in PARTS[2:]))

    async def stop(self) -> None:
        """Everything down, in order."""
        for part in ("worker-1", "worker-2", "api"):
            if part in self._programs:
                await self.handle(self._programs[part].stop)
        if self.gates is not None:
            await self.handle(self.gates.close)
        await self.handle(self.temporal.stop)
        await self.handle(self.postgres.stop)
        self._hands.shutdown()

    async def kill(self, *parts: str) -> None:
        """kill -9, all at once; of PostgreSQL every process, as an immediate stop would end it."""
        for part in parts:
            self.kills.append((time.time(), part))
            with suppress(ProcessLookupError):
                os.kill(self._pid(part), signal.SIGKILL)
        await self._until(lambda: not any(self.alive(part) for part in parts), 30)

    async def stop_postgres_at_once(self) -> None:
        """PostgreSQL's immediate stop: no checkpoint, no farewell; the next start recovers."""
        self.kills.append((time.time(), "postgres"))
        await self.handle(lambda: self.postgres.kill(signal.SIGQUIT))

    async def revive(self, *parts: str) -> None:
        """Start what is down and wait until each is ready."""
        for part in parts:
            await self.launch(part)
        for part in parts:
            if part in self._programs:
                await self.handle(self._programs[part].wait_ready)

    async def launch(self, part: str) -> None:
        """Start one part; a program of ours is not waited for."""
        if part == "postgres":
            await self.handle(self.postgres.restart)
        elif part == "temporal":
            await self.handle(self.temporal.restart)
        else:
            (self.directory / f"{part}.ready").unlink(missing_ok=True)
            await self.handle(self._programs[part].launch)

    async def launch_and_kill(self, part: str, after: float) -> None:
        """Begin to bring a server back and kill it again `after` seconds into its recovery."""
        server = self.postgres if part == "postgres" else self.temporal
        coming = asyncio.create_task(self.handle(server.restart))
        await asyncio.sleep(after)
        await self.kill(part)
        with suppress(Unavailable):
            await coming

    def alive(self, part: str) -> bool:
        """Whether its process runs."""
        if part == "postgres":
            return self.postgres.alive
        if part == "temporal":
            return self.temporal.alive
        return self._programs[part].alive

    def rows(self, statement: str, **given: object) -> list[Any]:
        """What the database holds, past row security; columns have names."""
        address = self.postgres.url(DATABASE, scheme="postgresql")
        with psycopg.connect(address, row_factory=namedtuple_row) as connection:
            return list(connection.execute(statement, given).fetchall())

    async def client(self) -> Client:
        """A client of the Temporal server."""
        return await Client.connect(
            self.temporal.address,
            namespace=self.temporal.namespace,
            data_converter=pydantic_data_converter,
        )

    def log_of(self, part: str) -> str:
        return self._programs[part].log.read_text(errors="replace")

    async def handle(self, work: Callable[[], _T]) -> _T:
        """Run something that blocks, in one of the threads that live long enough."""
        return await asyncio.get_running_loop().run_in_executor(self._hands, work)

    async def until(self, check: Callable[[], object], patience: float = 60) -> None:
        """Wait for what other processes do; fails after `patience` seconds."""
        await self._until(check, patience)

    async def _until(self, check: Callable[[], object], patience: float) -> None:
        async with asyncio.timeout(patience):
            while not check():  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.05)

    def _pid(self, part: str) -> int:
        if part == "postgres":
            return self.postgres.pid
        if part == "temporal":
            return self.temporal.pid
        return self._programs[part].pid

    def _app_url(self, port: int) -> str:
        made = make_url(self.admin_url).set(
            username=roles.APP, password=_PASSWORD, host=LOOPBACK, port=port, query={}
        )
        return made.render_as_string(hide_password=False)

    def _migrate(self) -> None:
        self.postgres.ensure_database(DATABASE)
        roles.bootstrap(self.admin_url, _PASSWORD)
        migrate.upgrade(self.admin_url)

    def _make_programs(self) -> None:
        gates = self.gates
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TEMPORAL_")}
        common = kept | {
            "TEMPORAL_NAMESPACE": self.temporal.namespace,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "HOLDFAST_HOST": LOOPBACK,
            "HOLDFAST_PORT": str(self.port),
            "HOLDFAST_SMTP_HOST": "127.0.0.1",
            "HOLDFAST_SMTP_PORT": str(self.box.port),
            "HOLDFAST_SMTP_FROM": self.box.settings.sender,
        }
        self._programs["api"] = self._program(
            "api",
            common
            | {
                "DATABASE_URL": self._app_url(
                    gates.api_to_postgres.port if gates else self.postgres.port
                ),
                "TEMPORAL_ADDRESS": (
                    f"{LOOPBACK}:{gates.api_to_temporal.port}" if gates else self.temporal.address
                ),
            },
            self._api_answers,
        )
        for name in ("worker-1", "worker-2"):
            ready = self.directory / f"{name}.ready"
            self._programs[name] = self._program(
                name,
                common
                | {
                    "DATABASE_URL": self._app_url(
                        gates.worker_to_postgres.port if gates else self.postgres.port
                    ),
                    "TEMPORAL_ADDRESS": self.temporal.address,
                    READY_FILE: str(ready),
                },
                ready.exists,
            )

    def _program(
        self, name: str, environment: dict[str, str], ready: Callable[[], bool]
    ) -> Program:
        command = "worker" if name.startswith("worker") else "api"
        return Program(
            name,
            [sys.executable, "-m", "cli", command],
            directory=self.directory / "logs",
            environment=environment,
            ready=ready,
        )

    def _api_answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@asynccontextmanager
async def stack(directory: Path, *, gated: bool = False) -> AsyncIterator[Stack]:
    """A running stack on a directory of its own; everything of it is gone at the end."""
    with patient_mailbox() as box:
        made = Stack(directory, box, gated=gated)
        try:
            await made.start()
            yield made
        finally:
            await made.stop()
