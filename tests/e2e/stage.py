"""A stage for whole lives: real PostgreSQL, real Temporal with skipped time, a composed worker.

Each workflow has a clock of its own, which moves only as a test moves it; worker and commands go
by that clock through the port of law 3.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker import Interceptor as WorkerInterceptor

from db.engine import Database
from db.lives import Lives
from db.models.relay import RelayRow
from db.models.transitions import Transition
from db.queries import executions
from db.requests import Applied, NewEvidence, NewWords, StartRequest
from db.scope import Scope
from db.starting import start_execution
from db.transitions import apply_event, hold
from domain.playbook.codec import state_from_json
from domain.playbook.events import Event
from domain.playbook.state import State
from runtime.settings import MailSettings
from tests.factories import Person
from tests.temporal import SkippingTemporal
from worker import WorkerSettings, run_worker
from workflows.client import Teller, TellingLimits
from workflows.execution import ExecutionWorkflow
from workflows.ids import TASK_QUEUE, workflow_id
from workflows.messages import ExecutionClosed

PAST = timedelta(seconds=1)
"""A workflow's clock is moved a little past an instant: the server skips over a timer whose time
has come and that has not fired yet, so no clock may stand still where a timer is about to."""

AFTERWARDS = timedelta(days=7)
"""Longer than any mail waits for working hours."""


OF_SKIPPING = (
    "WORKFLOW_EXECUTION_OPTIONS_UPDATED",
    "WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED",
)
"""What moving a clock writes into a history; nobody moves clocks outside of tests."""

CAUSES = (
    "WORKFLOW_EXECUTION_STARTED",
    "WORKFLOW_EXECUTION_SIGNALED",
    "TIMER_FIRED",
    "ACTIVITY_TASK_COMPLETED",
    "ACTIVITY_TASK_FAILED",
    "ACTIVITY_TASK_TIMED_OUT",
    "WORKFLOW_TASK_TIMED_OUT",
    "WORKFLOW_TASK_FAILED",
)
"""What has the workflow asked what to do next."""


class WorkflowClock(ClientInterceptor, WorkerInterceptor):
    """The clock port of a worker: the clock of the workflow whose activity asks."""

    def __init__(self, temporal: SkippingTemporal) -> None:
        self._temporal = temporal
        self._ahead: ContextVar[timedelta] = ContextVar("ahead", default=timedelta())

    def __call__(self, at: datetime) -> datetime:
        return at + self._ahead.get()

    async def follow(self) -> None:
        """Go by the clock of the workflow whose activity this is."""
        known = activity.info().workflow_id
        if known is not None:
            handle = self._temporal.client.get_workflow_handle(known)
            self._ahead.set(await self._temporal.clock_of(handle) - datetime.now(UTC))

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Following(next, self)


class _Following(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, clock: WorkflowClock) -> None:
        super().__init__(next)
        self._clock = clock

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        await self._clock.follow()
        return await super().execute_activity(input)


@dataclass(slots=True)
class Stage:
    """Everything that lives need, running. `confirmed`: the last number told of each execution."""

    temporal: SkippingTemporal
    database: Database
    teller: Teller
    confirmed: dict[UUID, int]

    async def begin(self, request: StartRequest, by: Person, at: datetime) -> Life:
        """Start an execution at an instant to come, and bring its workflow's clock there."""
        async with self.database.transaction(by.scope) as session:
            applied = await start_execution(session, request, by.actor, clock=lambda _: at)
        handle = self.temporal.client.get_workflow_handle_for(
            ExecutionWorkflow.run, workflow_id(by.scope.org, applied.execution)
        )
        life = Life(self, by.scope, applied.execution, handle)
        life.tell(applied)
        await life.reach(at)
        return life


@dataclass(slots=True)
class Life:
    """One execution and its workflow."""

    stage: Stage
    scope: Scope
    execution: UUID
    workflow: WorkflowHandle[ExecutionWorkflow, ExecutionClosed]
    last: int = -1

    async def reach(self, at: datetime) -> None:
        """Move the workflow's clock; what falls due on the way is settled by the workflow.

        Not before it knows what was done, or its clock would pass deadlines that it never heard of.
        """
        await self.told()
        ahead = at + PAST - await self.stage.temporal.clock_of(self.workflow)
        if ahead > PAST / 2:
            await self.stage.temporal.fast_forward(self.workflow, ahead)

    async def apply(
        self,
        event: Event,
        at: datetime,
        *,
        words: Sequence[NewWords] = (),
        evidence: Sequence[NewEvidence] = (),
    ) -> Applied:
        """A command at that instant, as the API gives one: committed, then told."""
        await self.reach(at)
        async with self.stage.database.transaction(self.scope) as session:
            applied = await apply_event(
                session,
                await hold(session, self.execution, event.id, clock=lambda _: at),
                event,
                words=words,
                evidence=evidence,
            )
        self.tell(applied)
        return applied

    def tell(self, applied: Applied) -> None:
        """In the background, as the API tells."""
        self.stage.teller.tell_soon(self.scope.org, self.execution, applied.told)
        if applied.told:
            self.last = applied.told[-1].number

    async def told(self) -> None:
        """Wait until the workflow has been told everything, by the teller or by the relay."""
        async with asyncio.timeout(30):
            while self.stage.confirmed.get(self.execution, -1) < self.last:
                if not await self._untold():
                    break
                await asyncio.sleep(0.01)

    async def _untold(self) -> int:
        """Transitions that are still in the relay, whoever made them."""
        async with self.stage.database.reading(self.scope) as session:
            return (
                await session.scalar(
                    select(func.count()).where(RelayRow.execution_id == self.execution)
                )
                or 0
            )

    async def closed(self) -> ExecutionClosed:
        """What the workflow returns, once what is still to be delivered has been."""
        await self.told()
        for patience in (1, 30):
            try:
                async with asyncio.timeout(patience):
                    return await self.workflow.result()
            except TimeoutError:
                await self.stage.temporal.fast_forward(self.workflow, AFTERWARDS)
        return await self.workflow.result()

    async def events(self) -> list[str]:
        """The kinds of events in the workflow's history, as they are where nobody moves clocks."""
        history = await self.workflow.fetch_history()
        kinds = [EventType.Name(event.event_type) for event in history.events]
        return without_skipping([kind.removeprefix("EVENT_TYPE_") for kind in kinds])

    async def state(self) -> State:
        async with self.stage.database.reading(self.scope) as session:
            return state_from_json((await executions.read(session, self.execution)).state)

    async def transitions(self) -> Sequence[Transition]:
        async with self.stage.database.reading(self.scope) as session:
            found = await session.scalars(
                select(Transition)
                .where(Transition.execution_id == self.execution)
                .order_by(Transition.number)
            )
            return found.all()


@asynccontextmanager
async def staged(
    temporal: SkippingTemporal, database: Database, mail: MailSettings
) -> AsyncIterator[Stage]:
    """A worker composed as in production, going by the workflows' clocks."""
    clock = WorkflowClock(temporal)
    client = following(temporal.client, clock)
    lives = Lives(database)
    confirmed: dict[UUID, int] = {}

    async def note(org: UUID, execution: UUID, numbers: Sequence[int]) -> None:
        confirmed[execution] = max(numbers)
        await lives.confirmed(org, execution, numbers)

    teller = Teller(
        client,
        stored=lives.stored,
        confirmed=note,
        task_queue=TASK_QUEUE,
        limits=TellingLimits(gather=0.05),
    )
    stop, ready = asyncio.Event(), asyncio.Event()

    async def connect() -> Client:
        return client

    given = WorkerSettings(
        mail=mail,
        address="https://holdfast.example.test",
        allow_loopback=True,
        grace=timedelta(seconds=1),
        clock=clock,
    )
    working = asyncio.create_task(run_worker(database, connect, given, stop=stop, ready=ready.set))
    try:
        async with asyncio.timeout(30):
            await ready.wait()
        yield Stage(temporal, database, teller, confirmed)
    finally:
        await teller.close()
        stop.set()
        await working
        await lives.close()


def following(client: Client, clock: WorkflowClock) -> Client:
    """The same connection, whose workers go by `clock`."""
    config = client.config()
    config["interceptors"] = [*config["interceptors"], clock]
    return Client(**config)


def without_skipping(kinds: list[str]) -> list[str]:
    """A history as it is where nobody moves clocks: without the moves, and without the workflow
    tasks that a move alone has caused."""
    found: list[str] = []
    caused, dropped = False, False
    for kind in kinds:
        if kind in OF_SKIPPING:
            continue
        if kind.startswith("WORKFLOW_TASK"):
            if kind == "WORKFLOW_TASK_SCHEDULED":
                dropped, caused = not caused, False
            if not dropped:
                found.append(kind)
            continue
        caused = caused or kind in CAUSES
        found.append(kind)
    return found
