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

from sqlalchemy import select
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker import Interceptor as WorkerInterceptor

from db.engine import Database
from db.lives import Lives
from db.models.transitions import Transition
from db.queries import executions
from db.requests import Applied, NewEvidence, NewWords, StartRequest
from db.scope import Scope
from db.transitions import apply_event, start_execution
from domain.playbook.codec import state_from_json
from domain.playbook.events import Event
from domain.playbook.state import State
from runtime.settings import MailSettings
from tests.factories import Person
from tests.temporal import SkippingTemporal
from worker import WorkerSettings, run_worker
from workflows.client import Teller
from workflows.execution import ExecutionWorkflow
from workflows.ids import TASK_QUEUE, workflow_id
from workflows.messages import ExecutionClosed

PAST = timedelta(seconds=1)
"""A workflow's clock is moved a little past an instant: the server skips over a timer whose time
has come and that has not fired yet, so no clock may stand still where a timer is about to."""

AFTERWARDS = timedelta(days=7)
"""Longer than any mail waits for working hours."""


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
    """Everything that lives need, running."""

    temporal: SkippingTemporal
    database: Database
    lives: Lives
    teller: Teller

    async def begin(self, request: StartRequest, by: Person, at: datetime) -> Life:
        """Start an execution at an instant to come, and bring its workflow's clock there."""
        async with self.database.transaction(by.scope) as session:
            applied = await start_execution(session, request, by.actor, clock=lambda _: at)
        handle = self.temporal.client.get_workflow_handle_for(
            ExecutionWorkflow.run, workflow_id(by.scope.org, applied.execution)
        )
        life = Life(self, by.scope, applied.execution, handle)
        await life.tell(applied)
        await life.reach(at)
        return life


@dataclass(slots=True)
class Life:
    """One execution and its workflow."""

    stage: Stage
    scope: Scope
    execution: UUID
    workflow: WorkflowHandle[ExecutionWorkflow, ExecutionClosed]

    async def reach(self, at: datetime) -> None:
        """Move the workflow's clock; what falls due on the way is settled by the workflow."""
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
                self.execution,
                event,
                words=words,
                evidence=evidence,
                clock=lambda _: at,
            )
        await self.tell(applied)
        return applied

    async def tell(self, applied: Applied) -> None:
        """At once, so that the workflow knows before its clock moves on."""
        assert await self.stage.teller.tell(self.scope.org, self.execution, applied.told)
        numbers = [told.number for told in applied.told]
        await self.stage.lives.confirmed(self.scope.org, self.execution, numbers)

    async def closed(self) -> ExecutionClosed:
        """What the workflow returns, once what is still to be delivered has been."""
        await self.stage.temporal.fast_forward(self.workflow, AFTERWARDS)
        async with asyncio.timeout(30):
            return await self.workflow.result()

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
    teller = Teller(client, stored=lives.stored, task_queue=TASK_QUEUE)
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
        yield Stage(temporal, database, lives, teller)
    finally:
        stop.set()
        await working
        await lives.close()


def following(client: Client, clock: WorkflowClock) -> Client:
    """The same connection, whose workers go by `clock`."""
    config = client.config()
    config["interceptors"] = [*config["interceptors"], clock]
    return Client(**config)
