"""Relay, check, digests and sealer, against the real record and a real Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.checking import Check
from activities.digest import DigestingActivities, daily, keep_schedule
from activities.relay import Relay
from db.engine import Database
from db.lives import Lives
from db.models.audit_entries import AuditEntry
from db.models.deliveries import Delivery
from db.models.escalations import Escalation
from db.models.relay import RelayRow
from db.queries import transitions
from db.requests import Clock
from domain.playbook.events import Snoozed, StepCompleted
from tests.scenarios import World, one_call, one_event, world
from tests.smtp import mailbox
from tests.temporal import SkippingTemporal, skipping_temporal
from tests.workflows.record import soon
from worker import WorkerSettings, run_worker
from workflows.client import Teller
from workflows.execution import ExecutionWorkflow
from workflows.ids import digest_schedule_id, workflow_id
from workflows.messages import DigestRequest

pytestmark = pytest.mark.anyio

QUEUE = "keeping"


@pytest.fixture(scope="module")
async def temporal(anyio_backend: str) -> AsyncIterator[SkippingTemporal]:
    async with skipping_temporal() as server:
        yield server


@pytest.fixture
async def scene(db: Database) -> AsyncIterator[World]:
    yield await world(db, one_call(), one_event())


def teller(temporal: SkippingTemporal, db: Database) -> Teller:
    return Teller(temporal.client, stored=Lives(db).stored, task_queue=QUEUE)


async def untold(scene: World) -> list[int]:
    async with scene.db.reading(scene.org) as session:
        return list(await session.scalars(select(RelayRow.number).order_by(RelayRow.number)))


async def history(client: Client, scene: World, execution: UUID) -> list[int]:
    handle = client.get_workflow_handle(workflow_id(scene.org.org, execution))
    return [event.event_type for event in (await handle.fetch_history()).events]


@asynccontextmanager
async def at_work(
    temporal: SkippingTemporal, db: Database, clock: Clock = lambda at: at
) -> AsyncIterator[None]:
    """A whole worker within this process."""
    stop = asyncio.Event()

    async def connect() -> Client:
        return temporal.client

    with mailbox() as box:
        given = WorkerSettings(
            box.settings,
            "https://holdfast.example.test",
            task_queue=QUEUE,
            clock=clock,
            grace=timedelta(seconds=1),
        )
        working = asyncio.create_task(run_worker(db, connect, given, stop=stop))
        try:
            yield
        finally:
            stop.set()
            await working


class TestRelay:
    async def test_one_start_tells_all_of_an_execution(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        started = await scene.start()
        for number in range(3):
            await scene.apply(started.execution, Snoozed("call", soon(60 + number)))
        assert await untold(scene) == [0, 1, 2, 3]
        relay = Relay(scene.db, teller(temporal, scene.db), grace=timedelta())
        assert not await relay.round()
        assert await untold(scene) == []
        seen = await history(temporal.client, scene, started.execution)
        assert seen.count(26) == 0  # WORKFLOW_EXECUTION_SIGNALED

    async def test_it_reads_what_the_commit_said(self, scene: World) -> None:
        started = await scene.start()
        snoozed = await scene.apply(started.execution, Snoozed("call", soon(60)))
        async with scene.db.reading(scene.org) as session:
            told = await transitions.told_since(session, started.execution, -1)
        assert told == (*started.told, *snoozed.told)
        assert [one.playbook for one in told] == ["one-call", None]

    async def test_what_people_just_did_is_left_to_who_committed_it(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        await scene.start()
        relay = Relay(scene.db, teller(temporal, scene.db), grace=timedelta(seconds=30))
        await relay.round()
        assert await untold(scene) == [0]

    async def test_while_temporal_is_away_nothing_is_forgotten(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        await scene.start()
        away = await Client.connect("127.0.0.1:1", lazy=True)
        lost = Teller(away, stored=Lives(scene.db).stored, task_queue=QUEUE)
        with pytest.raises((RPCError, RuntimeError)):
            await Relay(scene.db, lost, grace=timedelta()).round()
        assert await untold(scene) == [0]
        await Relay(scene.db, teller(temporal, scene.db), grace=timedelta()).round()
        assert await untold(scene) == []


class TestTelling:
    async def test_what_is_told_soon_is_confirmed_and_forgotten(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        lives = Lives(scene.db)
        tell = Teller(
            temporal.client, stored=lives.stored, confirmed=lives.confirmed, task_queue=QUEUE
        )
        started = await scene.start()
        tell.tell_soon(scene.org.org, started.execution, started.told)
        await tell.close()
        await lives.close()
        assert await untold(scene) == []


class TestCheck:
    async def test_a_terminated_workflow_comes_back_and_settles(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        tell = teller(temporal, scene.db)
        started = await scene.start(since=timedelta(minutes=3))
        await Relay(scene.db, tell, grace=timedelta()).round()
        identity = workflow_id(scene.org.org, started.execution)
        await temporal.client.get_workflow_handle(identity).terminate("by hand")
        check = Check(scene.db, temporal.client, tell, task_queue=QUEUE)
        await check.overdue()
        found = await temporal.client.get_workflow_handle(identity).describe()
        assert found.status is WorkflowExecutionStatus.RUNNING
        async with at_work(temporal, scene.db):
            async with asyncio.timeout(20):
                while not await escalations(scene):  # noqa: ASYNC110 - a worker makes it
                    await asyncio.sleep(0.1)
        assert [(e.level, e.late) for e in await escalations(scene)] == [(1, True)]

    async def test_a_lost_store_is_noticed_without_any_deadline(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        tell = teller(temporal, scene.db)
        started = await scene.start("one-call", since=timedelta(minutes=1, seconds=30))
        check = Check(scene.db, temporal.client, tell, task_queue=QUEUE)
        await check.lost()
        identity = workflow_id(scene.org.org, started.execution)
        found = await temporal.client.get_workflow_handle(identity).describe()
        assert found.status is WorkflowExecutionStatus.RUNNING

    async def test_a_running_workflow_is_left_alone(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        tell = teller(temporal, scene.db)
        started = await scene.start(since=timedelta(seconds=90))
        await Relay(scene.db, tell, grace=timedelta()).round()
        check = Check(scene.db, temporal.client, tell, task_queue=QUEUE)
        async with asyncio.timeout(20):
            while True:  # visibility follows a little later
                found = temporal.client.list_workflows(
                    f'WorkflowId = "{workflow_id(scene.org.org, started.execution)}"'
                )
                if [one async for one in found]:
                    break
                await asyncio.sleep(0.1)
        await check.lost()
        seen = await history(temporal.client, scene, started.execution)
        assert seen.count(26) == 0


async def escalations(scene: World) -> list[Escalation]:
    async with scene.db.reading(scene.org) as session:
        return list(await session.scalars(select(Escalation)))


class TestDigest:
    async def test_a_round_makes_one_mail_a_member(self, scene: World) -> None:
        await scene.start()
        made = await DigestingActivities(scene.db, Lives(scene.db)).make_digests(
            DigestRequest(str(scene.org.org))
        )
        assert len(made.deliveries) == 1
        async with scene.db.reading(scene.org) as session:
            rows = await session.scalars(select(Delivery).order_by(Delivery.created_at))
            found = {(row.template, row.carrier, row.status) for row in rows}
        assert found == {("step_opened", "digest", "delivered"), ("digest", "own", "pending")}
        again = await DigestingActivities(scene.db, Lives(scene.db)).make_digests(
            DigestRequest(str(scene.org.org))
        )
        assert again.deliveries == ()

    async def test_the_schedule_keeps_the_organizations_time_zone(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        for _ in range(2):
            await keep_schedule(temporal.client, scene.db, scene.org, QUEUE)
        handle = temporal.client.get_schedule_handle(digest_schedule_id(scene.org.org))
        found = (await handle.describe()).schedule
        assert found.policy.catchup_window == timedelta(hours=12)
        assert found.spec.time_zone_name == "UTC"
        assert daily(scene.org.org, "Europe/Berlin", QUEUE).spec.time_zone_name == "Europe/Berlin"
        await handle.delete()


class TestWorker:
    async def test_it_carries_a_life_and_seals_within_a_second(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        async with at_work(temporal, scene.db):
            started = await scene.start()
            await scene.apply(started.execution, StepCompleted("call"))
            handle = temporal.client.get_workflow_handle_for(
                ExecutionWorkflow.run, workflow_id(scene.org.org, started.execution)
            )
            async with asyncio.timeout(20):
                while await untold(scene):  # noqa: ASYNC110 - a worker tells it
                    await asyncio.sleep(0.1)
                assert (await handle.result()).number == 1
            await asyncio.sleep(1)
            async with scene.db.reading(scene.org) as session:
                sealed = await session.scalars(
                    select(AuditEntry.seq).order_by(AuditEntry.seq.nulls_last())
                )
                assert None not in list(sealed)

    async def test_clocks_that_differ_make_settling_wait(
        self, scene: World, temporal: SkippingTemporal
    ) -> None:
        started = await scene.start(since=timedelta(minutes=3))
        behind = timedelta(minutes=-2)
        async with at_work(temporal, scene.db, lambda at: at + behind):
            tell = teller(temporal, scene.db)
            await tell.tell(scene.org.org, started.execution, started.told)
            await asyncio.sleep(4)
        assert await escalations(scene) == []
