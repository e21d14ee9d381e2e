"""The one place where tests get Temporal from: the real server, with time that can be skipped.

Skipping time is experimental in the SDK, so nothing else calls it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from runtime.embedded.temporal import temporal_binary
from runtime.temporal_namespace import SEARCH_ATTRIBUTES
from workflows.registry import WORKFLOWS, workflow_runner

SKIPPING = (
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    # Timers that come up sooner than this wait for it: a second of real time for each by default.
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
)
QUEUE = "test"


class SkippingTemporal:
    """A real server on which a workflow's clock runs as told; each workflow has its own."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self._environment = environment

    @property
    def client(self) -> Client:
        """Workflows started through it keep real time until they are fast-forwarded."""
        return self._environment.client

    async def fast_forward(self, handle: WorkflowHandle[Any, Any], by: timedelta) -> bool:
        """Move this workflow's clock; False if it has ended, or ends on the way."""
        try:
            return await self._environment.fast_forward(handle, by)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False

    async def clock_of(self, handle: WorkflowHandle[Any, Any]) -> datetime:
        """This workflow's clock, an aware UTC datetime."""
        skipped = await self._environment.get_time_skipping_info(handle)
        if skipped is None:
            return datetime.now(UTC)
        return skipped.current_time.ToDatetime(UTC)


@asynccontextmanager
async def skipping_temporal() -> AsyncIterator[SkippingTemporal]:
    """A server of its own, gone at the end."""
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(temporal_binary()),
        dev_server_extra_args=list(SKIPPING),
        search_attributes=[SearchAttributeKey.for_keyword(key) for key in SEARCH_ATTRIBUTES],
    )
    try:
        with environment.with_time_skipping_disabled():
            yield SkippingTemporal(environment)
    finally:
        await environment.shutdown()


async def begun(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until somebody has started the workflow."""
    async with asyncio.timeout(30):
        while True:
            try:
                await handle.describe()
                return
            except RPCError:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def working(
    client: Client, activities: Sequence[Any], *, queue: str = QUEUE, cache: int = 100
) -> AsyncIterator[Worker]:
    """A worker with our workflows in our sandbox and the given activities."""
    worker = Worker(
        client,
        task_queue=queue,
        workflows=list(WORKFLOWS),
        activities=list(activities),
        workflow_runner=workflow_runner(),
        max_cached_workflows=cache,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        graceful_shutdown_timeout=timedelta(seconds=1),
    )
    async with worker:
        yield worker
