"""The slice: one playbook, one step, one deadline, from start to outcome, on real servers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import select
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from db.engine import Database
from db.models.escalations import Escalation
from db.models.executions import Execution
from db.models.relay import RelayRow
from domain.playbook.events import StepCompleted
from runtime.embedded.temporal import EmbeddedTemporal
from tests.postgres import FreshDatabase
from tests.scenarios import World, one_call, world
from tests.smtp import Mailbox, mailbox
from workflows.execution import ExecutionWorkflow
from workflows.ids import workflow_id
from workflows.messages import ExecutionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    with EmbeddedTemporal(tmp_path_factory.mktemp("temporal")) as server:
        yield server


class Workers:
    """Worker processes of a test, each killed at its end."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        self._made: list[Popen[bytes]] = []

    async def start(self) -> Popen[bytes]:
        """One more worker, ready to work."""
        number = len(self._made)
        ready = self._directory / f"ready-{number}"
        with (self._directory / f"worker-{number}.log").open("wb") as log:
            made = Popen(  # noqa: ASYNC220 - it takes milliseconds
                [sys.executable, "-m", "worker"],
                env=self._environment | {"HOLDFAST_READY_FILE": str(ready)},
                stdout=log,
                stderr=log,
            )
        self._made.append(made)
        await until(lambda: ready.exists() or made.poll() is not None)
        assert made.poll() is None, (self._directory / f"worker-{number}.log").read_text()
        return made

    def end(self) -> None:
        for made in self._made:
            made.kill()
            made.wait()


@contextmanager
def workers(
    fresh: FreshDatabase, temporal: EmbeddedTemporal, box: Mailbox, directory: Path
) -> Iterator[Workers]:
    found = Workers(
        {
            **os.environ,
            "DATABASE_URL": fresh.app_url,
            "TEMPORAL_ADDRESS": temporal.address,
            "TEMPORAL_NAMESPACE": temporal.namespace,
            "HOLDFAST_SMTP_HOST": "127.0.0.1",
            "HOLDFAST_SMTP_PORT": str(box.port),
        },
        directory,
    )
    try:
        yield found
    finally:
        found.end()


async def until(check: Callable[[], object], patience: float = 60) -> None:
    """Wait until a condition holds; fail after `patience` seconds."""
    async with asyncio.timeout(patience):
        while not check():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.05)


async def handle_of(
    temporal: EmbeddedTemporal, scene: World, execution: object
) -> WorkflowHandle[ExecutionWorkflow, ExecutionClosed]:
    client = await Client.connect(
        temporal.address, namespace=temporal.namespace, data_converter=pydantic_data_converter
    )
    return client.get_workflow_handle_for(
        ExecutionWorkflow.run,
        workflow_id(scene.org.org, execution),  # type: ignore[arg-type]
    )


@pytest.fixture
async def scene(db: Database) -> AsyncIterator[World]:
    yield await world(db, one_call())


async def closed(handle: WorkflowHandle[ExecutionWorkflow, ExecutionClosed]) -> int:
    """The number of the last transition, however often Temporal is away meanwhile."""
    async with asyncio.timeout(60):
        while True:
            try:
                found = await handle.describe(rpc_timeout=timedelta(seconds=2))
                if found.status is not WorkflowExecutionStatus.RUNNING:
                    assert found.status is WorkflowExecutionStatus.COMPLETED
                    return (await handle.result()).number
            except RPCError:
                pass
            await asyncio.sleep(0.2)


async def test_from_start_to_outcome(
    scene: World,
    fresh_database: FreshDatabase,
    temporal: EmbeddedTemporal,
    tmp_path: Path,
) -> None:
    with mailbox() as box, workers(fresh_database, temporal, box, tmp_path) as crew:
        worker = await crew.start()
        started = await scene.start(since=timedelta(seconds=55))
        await until(lambda: box.mails)
        assert box.subjects() == ["Overdue, level 1: Call the customer (Globex)"]
        await scene.apply(started.execution, StepCompleted("call"))
        number = await closed(await handle_of(temporal, scene, started.execution))
        async with scene.db.reading(scene.org) as session:
            execution = await session.get(Execution, started.execution)
            escalations = (await session.scalars(select(Escalation))).all()
        assert execution is not None
        assert (execution.status, execution.outcome, execution.number) == (
            "ended",
            "success",
            number,
        )
        assert [(e.level, e.late) for e in escalations] == [(1, False)]
        worker.terminate()
        assert worker.wait(20) == 0


async def test_it_ends_though_worker_and_temporal_are_killed(
    scene: World,
    fresh_database: FreshDatabase,
    temporal: EmbeddedTemporal,
    tmp_path: Path,
) -> None:
    with mailbox() as box, workers(fresh_database, temporal, box, tmp_path) as crew:
        first = await crew.start()
        started = await scene.start(since=timedelta(seconds=50))
        await asyncio.sleep(3)
        first.kill()
        temporal.kill()
        await crew_away()
        temporal.restart()
        await crew.start()
        await until(lambda: box.mails)
        temporal.kill()
        await scene.apply(started.execution, StepCompleted("call"))
        temporal.restart()
        await closed(await handle_of(temporal, scene, started.execution))
        async with scene.db.reading(scene.org) as session:
            escalations = (await session.scalars(select(Escalation))).all()
            untold = (await session.scalars(select(RelayRow))).all()
        assert len(escalations) == 1
        assert untold == []
        assert len({str(mail["Message-ID"]) for mail in box.mails}) == 1


async def crew_away() -> None:
    """Long enough for the deadline to pass while nobody is awake."""
    await asyncio.sleep(9)
