"""The periodic check: lives that were lost come back, deadlines that were slept over are asked.

It makes no transition itself: it wakes workflows, and they settle (law 4).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from temporalio.client import Client, WorkflowExecution
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from db.engine import Database
from db.queries import across, deliveries, executions, lives
from db.scope import Scope
from workflows.client import Teller
from workflows.delivery import DeliveryWorkflow
from workflows.ids import delivery_workflow_id, organization_prefix, workflow_id
from workflows.messages import DeliveryInput, PendingDelivery

log = logging.getLogger(__name__)

OVERDUE_PAUSE = 15.0
LOST_PAUSE = 300.0
OWN_PAUSE = 10.0
"""Seconds between checks for slept-over deadlines, for missing workflows, for deliveries."""

WOKEN_FOR = 300.0
"""Seconds before the same execution is woken again: waking costs five events of its history."""

RUNNING = 'WorkflowType = "Execution" AND ExecutionStatus = "Running"'
ANY_RUNNING = 'WorkflowType in ("Execution", "Delivery", "Digest") AND ExecutionStatus = "Running"'
PAGE = 500
AT_ONCE = 16
SETTLED_FOR = timedelta(minutes=1)
"""What changed later may still be on its way to Temporal."""

_ID_LENGTH = len(workflow_id(UUID(int=0), UUID(int=0)))  # without an incarnation's suffix


class Check:
    """Compares the record with Temporal, in bounded pages."""

    def __init__(
        self, database: Database, client: Client, teller: Teller, *, task_queue: str
    ) -> None:
        self._database = database
        self._client = client
        self._teller = teller
        self._task_queue = task_queue
        self._woken: dict[UUID, float] = {}

    async def overdue(self) -> bool:
        """Wake executions whose stored deadline passed a minute ago; never asks to be repeated."""
        for scope in await self._organizations("overdue"):
            async with self._database.reading(scope) as session:
                late = await executions.overdue(session)
            for one in late:
                await self._wake(scope, one.id, "its deadline has passed")
        return False

    async def lost(self) -> bool:
        """Bring back executions that need a workflow and have none."""
        running = await self._running()
        for scope in await self._organizations("all"):
            async for execution in self._going_on(scope, SETTLED_FOR):
                if workflow_id(scope.org, execution) not in running:
                    await self._wake(scope, execution, "no workflow runs for it")
        return False

    async def begin_anew(self) -> None:
        """End every run and begin it again from the record: after Temporal's store was set back.

        Workers hold runs in memory that are ahead of such a store; to go on with one would leave
        a history that no worker can replay. Also those run again whose execution is over by now:
        they find that out.
        """
        ended = await self._end_runs()
        gate = asyncio.Semaphore(AT_ONCE)

        async def wake(scope: Scope, execution: UUID) -> None:
            async with gate:
                await self._teller.wake(scope.org, execution)

        for scope in await self._organizations("all"):
            prefix = f"{organization_prefix(scope.org)}-"
            needed = {UUID(known[len(prefix) :]) for known in ended if known.startswith(prefix)}
            needed.update([one async for one in self._going_on(scope, timedelta())])
            await asyncio.gather(*(wake(scope, execution) for execution in sorted(needed)))

    async def _end_runs(self) -> set[str]:
        """Terminate what runs now, run by run, so that what another process began anew stays.

        The ids of executions' workflows; deliveries of their own come back by their check.
        """
        found = [one async for one in self._client.list_workflows(ANY_RUNNING, page_size=PAGE)]
        gate = asyncio.Semaphore(AT_ONCE)

        async def end(one: WorkflowExecution) -> None:
            handle = self._client.get_workflow_handle(one.id, run_id=one.run_id)
            try:
                async with gate:
                    await handle.terminate(reason="Temporal's store was set back")
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

        await asyncio.gather(*(end(one) for one in found))
        return {one.id[:_ID_LENGTH] for one in found if one.workflow_type == "Execution"}

    async def own(self) -> bool:
        """Start a workflow for deliveries that have one of their own, as after a redelivery."""
        for scope in await self._organizations("own"):
            async with self._database.reading(scope) as session:
                waiting = await deliveries.own_waiting(session)
            for delivery, _ in waiting:
                await self.carry(scope, delivery)
        return False

    async def carry(self, scope: Scope, delivery: UUID) -> None:
        """A workflow for this delivery; one that runs already is left alone."""
        await self._client.start_workflow(
            DeliveryWorkflow.run,
            DeliveryInput(str(scope.org), (PendingDelivery(str(delivery)),)),
            id=delivery_workflow_id(scope.org, delivery),
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="delivery of its own",
        )

    async def _running(self) -> set[str]:
        return {
            found.id[:_ID_LENGTH]
            async for found in self._client.list_workflows(RUNNING, page_size=PAGE)
        }

    async def _going_on(self, scope: Scope, settled_for: timedelta) -> AsyncIterator[UUID]:
        after: UUID | None = None
        while True:
            async with self._database.reading(scope) as session:
                page = await lives.going_on(session, after, PAGE, settled_for)
            for execution in page:
                yield execution
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _organizations(self, work: across.Work) -> list[Scope]:
        async with self._database.unscoped() as connection:
            return await across.organizations_with(connection, work)

    async def _wake(self, scope: Scope, execution: UUID, why: str) -> None:
        now = time.monotonic()
        if now - self._woken.get(execution, -WOKEN_FOR) < WOKEN_FOR:
            return
        log.warning("execution %s is woken: %s", execution, why)
        await self._teller.wake(scope.org, execution)
        self._woken = {key: at for key, at in self._woken.items() if now - at < WOKEN_FOR}
        self._woken[execution] = now
