"""Telling workflows what was committed: start, signal, and come back from a loss (law 5).

Nothing here is imported by workflow code. A call is bounded in time; what could not be told stays
in the relay and is told by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.playbook.telling import Told
from workflows.execution import ExecutionWorkflow
from workflows.ids import organization_prefix, workflow_id
from workflows.life import knowing
from workflows.messages import LIFE_SCHEMA, ExecutionInput, News

log = logging.getLogger(__name__)

ORGANIZATION = SearchAttributeKey.for_keyword("Organization")
PLAYBOOK = SearchAttributeKey.for_keyword("Playbook")

LAST_INCARNATION = 50
"""A workflow that closed by mistake so often is beyond repair by starting it again."""


class StoredLife(Protocol):
    """What the record says of an execution, as far as telling needs it.

    `over`: its outcome is applied and none of its workflow's deliveries is unfinished, which is
    when a workflow completes.
    """

    @property
    def playbook(self) -> str: ...
    @property
    def over(self) -> bool: ...


Stored = Callable[[UUID, UUID], Awaitable[StoredLife | None]]
"""Looks an execution up in the record: organization, execution. None: there is no such row."""

Confirmed = Callable[[UUID, UUID, Sequence[int]], Awaitable[None]]
"""Marks transitions as told: organization, execution, numbers."""


@dataclass(frozen=True, slots=True)
class TellingLimits:
    """`rpc` seconds bound one call to Temporal; `soon` the tellings under way at once.

    News waits `first` seconds, and after a telling `gather` seconds, for what follows it: a burst
    of commands on one execution costs a few workflow tasks instead of one each. Where there was
    news more than `crowd` times within a second, people's requests come first: each execution is
    told when nothing came for `lull` seconds, or after `gather_crowd`, with what it got meanwhile.
    What could not be begun within `stale` seconds is left to the relay, whose grace is longer, so
    that no two tell the same.
    """

    rpc: float = 5.0
    soon: int = 24
    waiting: int = 2_000
    first: float = 0.2
    gather: float = 0.4
    crowd: int = 30
    lull: float = 0.2
    gather_crowd: float = 4.0
    stale: float = 8.0


class Teller:
    """Tells the workflow of an execution what was committed, and starts it where it is missing."""

    def __init__(
        self,
        client: Client,
        *,
        stored: Stored,
        confirmed: Confirmed | None = None,
        task_queue: str,
        limits: TellingLimits | None = None,
        continue_after: int | None = None,
    ) -> None:
        self._client = client
        self._stored = stored
        self._confirmed = confirmed
        self._task_queue = task_queue
        self._limits = limits or TellingLimits()
        self._continue_after = continue_after
        self._gate = asyncio.Semaphore(self._limits.soon)
        self._soon: set[asyncio.Task[None]] = set()
        self._news: dict[tuple[UUID, UUID], list[tuple[float, Told]]] = {}
        self._arrived: deque[float] = deque(maxlen=self._limits.crowd + 1)
        self._last_arrival = 0.0
        self._closing = asyncio.Event()
        self._calm = asyncio.Event()
        self._calm.set()
        self._watch: asyncio.Task[None] | None = None
        self._rpc = timedelta(seconds=self._limits.rpc)

    async def tell(self, org: UUID, execution: UUID, told: Sequence[Told]) -> bool:
        """Tell these transitions; True when they can no longer be lost.

        False where the execution is not in the record, or its workflow cannot be brought back.
        Raises `RPCError` or `TimeoutError` where Temporal does not answer.
        """
        if not told:
            return True
        if told[0].number == 0 and await self._start_first(org, execution, told):
            return True
        if await self._signal(workflow_id(org, execution), News(tuple(told))):
            return True
        return await self._tell_lost(org, execution, told)

    def tell_soon(self, org: UUID, execution: UUID, told: Sequence[Told]) -> None:
        """Tell in the background, bounded; what is not confirmed is left to the relay.

        What follows soon after is gathered (`TellingLimits`).
        """
        now = asyncio.get_running_loop().time()
        self._arrived.append(now)
        self._last_arrival = now
        news = [(now, one) for one in told]
        waiting = self._news.get((org, execution))
        if waiting is not None:
            waiting.extend(news)
            return
        if not news or len(self._soon) >= self._limits.waiting:
            return
        self._news[org, execution] = news
        task = asyncio.get_running_loop().create_task(self._keep_telling(org, execution))
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    async def close(self, patience: float = 5.0) -> None:
        """Wait for tellings under way, at most `patience` seconds; the relay has the rest."""
        self._closing.set()
        if self._soon:
            _, late = await asyncio.wait(set(self._soon), timeout=patience)
            for task in late:
                task.cancel()

    async def wake(self, org: UUID, execution: UUID) -> bool:
        """Let a workflow load the record again, or bring it back where it does not run.

        True where it runs now. For executions that are open or have unfinished deliveries.
        """
        news = News((), reload=True)
        if await self._signal(workflow_id(org, execution), news):
            return True
        life = await self._stored(org, execution)
        return life is not None and await self._restart(org, execution, life, news)

    async def _keep_telling(self, org: UUID, execution: UUID) -> None:
        """Tell what there is, then what came meanwhile, until nothing did."""
        try:
            await self._gather(self._limits.first)
            while self._news[org, execution]:
                async with self._gate:
                    await self._try_telling(org, execution, self._fresh_news(org, execution))
                await self._gather(self._limits.gather)
        finally:
            del self._news[org, execution]

    @property
    def _crowded(self) -> bool:
        # By what arrives, not by what waits: waiting longer must not make a crowd by itself.
        since = asyncio.get_running_loop().time() - 1
        while self._arrived and self._arrived[0] < since:
            self._arrived.popleft()
        return len(self._arrived) > self._limits.crowd

    async def _gather(self, wait: float) -> None:
        """Let more news of an execution come in, unless the process is closing."""
        await _within(wait, self._closing)
        if self._crowded and not self._closing.is_set():
            if self._calm.is_set():
                self._calm.clear()
                self._watch = asyncio.create_task(self._watch_crowd())
            await _within(self._limits.gather_crowd, self._calm)

    async def _watch_crowd(self) -> None:
        """One for all that wait: says when the crowd has passed, or the process is closing."""
        loop = asyncio.get_running_loop()
        while not self._closing.is_set():
            left = self._last_arrival + self._limits.lull - loop.time()
            if left <= 0:
                break
            await _within(left, self._closing)
        self._calm.set()

    def _fresh_news(self, org: UUID, execution: UUID) -> list[Told]:
        """What waits to be told, in order; nothing where the relay has begun with it."""
        news = self._news[org, execution]
        self._news[org, execution] = []
        oldest = asyncio.get_running_loop().time() - self._limits.stale
        if min(at for at, _ in news) < oldest:
            return []
        return sorted((one for _, one in news), key=lambda one: one.number)

    async def _try_telling(self, org: UUID, execution: UUID, told: Sequence[Told]) -> None:
        if not told:
            return
        try:
            async with asyncio.timeout(self._limits.rpc * 3):
                if await self.tell(org, execution, told) and self._confirmed is not None:
                    await self._confirmed(org, execution, [one.number for one in told])
        except Exception as error:
            # Whatever it was, the rows are still in the relay, which tries again and alarms.
            log.info("telling %s is left to the relay: %s", execution, type(error).__name__)

    async def _tell_lost(self, org: UUID, execution: UUID, told: Sequence[Told]) -> bool:
        """NOT_FOUND is told only where the stored execution is over; only the record knows."""
        life = await self._stored(org, execution)
        if life is None:
            log.error("execution %s was told but is not in the record", execution)
            return False
        return life.over or await self._restart(org, execution, life, News(tuple(told)))

    async def _start_first(self, org: UUID, execution: UUID, told: Sequence[Told]) -> bool:
        """Start with what is told; True where the workflow knows it then, by whatever start.

        A fresh life knows it from its input, or loads the record, in which all of it is. What is
        in the record beyond it is told by whoever committed that, or by the relay. A life that
        was there before has ignored the input: it knows number 0, because every life begins with
        that or loads it, and of more than number 0 it is to be told by signal.
        """
        playbook = told[0].playbook
        if playbook is None:
            life = await self._stored(org, execution)
            if life is None:
                return False
            playbook = life.playbook
        given = knowing(self._given(org, execution, playbook), told)
        running = WorkflowIDConflictPolicy.FAIL
        if len(told) == 1:
            running = WorkflowIDConflictPolicy.USE_EXISTING
        closed = WorkflowIDReusePolicy.REJECT_DUPLICATE
        try:
            await self._start(given, workflow_id(org, execution), closed, running)
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _restart(self, org: UUID, execution: UUID, life: StoredLife, news: News) -> bool:
        """After a terminate the id may be used again; after a completion its next incarnation.

        The news goes along, because the incarnation that is found may be running already.
        """
        given = self._given(org, execution, life.playbook)
        closed = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
        running = WorkflowIDConflictPolicy.USE_EXISTING
        for incarnation in range(1, LAST_INCARNATION + 1):
            identity = workflow_id(org, execution, incarnation)
            try:
                await self._start(given, identity, closed, running, news)
            except WorkflowAlreadyStartedError:
                continue
            return True
        log.error("execution %s has no workflow id left to come back under", execution)
        return False

    def _given(self, org: UUID, execution: UUID, playbook: str) -> ExecutionInput:
        """The input of a life that loads everything."""
        return ExecutionInput(
            schema_version=LIFE_SCHEMA,
            org=str(org),
            execution=str(execution),
            playbook=playbook,
            continue_after=self._continue_after,
        )

    async def _start(
        self,
        given: ExecutionInput,
        identity: str,
        closed: WorkflowIDReusePolicy,
        running: WorkflowIDConflictPolicy,
        news: News | None = None,
    ) -> None:
        """Raises `WorkflowAlreadyStartedError` where the policies do not allow the start."""
        attributes = TypedSearchAttributes(
            [
                SearchAttributePair(ORGANIZATION, organization_prefix(UUID(given.org))),
                SearchAttributePair(PLAYBOOK, given.playbook),
            ]
        )
        await self._client.start_workflow(
            ExecutionWorkflow.run,
            given,
            id=identity,
            task_queue=self._task_queue,
            id_reuse_policy=closed,
            id_conflict_policy=running,
            search_attributes=attributes,
            start_signal=None if news is None else "transition",
            start_signal_args=[] if news is None else [news],
            static_summary=given.playbook,
            static_details=f"Playbook **{given.playbook}**, execution `{given.execution}`",
            rpc_timeout=self._rpc,
        )

    async def _signal(self, identity: str, news: News) -> bool:
        try:
            await self._client.get_workflow_handle(identity).signal(
                ExecutionWorkflow.transition, news, rpc_timeout=self._rpc
            )
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Returns when the event is set, or after so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
