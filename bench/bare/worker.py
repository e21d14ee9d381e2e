"""The bare arm's worker process: the same pollers, cache and bounds as `worker.py` gives ours."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta

import uvloop
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.bare.messages import TASK_QUEUE
from bench.bare.rows import Rows
from bench.bare.workflow import BareWorkflow
from db.urls import for_psycopg
from runtime.readiness import announce_ready
from runtime.temporal_client import connected_client, connection


async def main() -> None:
    """Work until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    rows = Rows(for_psycopg(os.environ["DATABASE_URL"]))
    await rows.open()
    worker = Worker(
        await connected_client(connection(os.environ)),
        task_queue=TASK_QUEUE,
        workflows=[BareWorkflow],
        activities=[rows.write],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(
                "pydantic", "pydantic_core", "bench.bare.messages"
            )
        ),
        max_cached_workflows=3_000,
        max_concurrent_workflow_tasks=100,
        max_concurrent_activities=50,
        max_concurrent_local_activities=20,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        graceful_shutdown_timeout=timedelta(seconds=8),
    )
    async with worker:
        announce_ready(os.environ)
        await stop.wait()
    await rows.close()


if __name__ == "__main__":
    uvloop.run(main())
