"""What Temporal knows of an execution, read off its history: no query, no worker needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.playbook.telling import Settlement, Told
from workflows.messages import ExecutionInput, News

OVERTAKEN = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
"""A signal came while the last task ended: Temporal's ordinary way of beginning it again."""

_convert = pydantic_data_converter.payload_converter


@dataclass(slots=True)
class Known:
    """One workflow as its history tells it.

    `told` counts how often each number came by signal, in the order of their coming; `loaded`
    holds numbers that settling returned. `timers` are the instants of those still running,
    `overtaken` counts tasks that a signal came before.
    """

    status: WorkflowExecutionStatus | None
    events: int = 0
    told: list[int] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)
    digests: dict[int, set[str]] = field(default_factory=dict)
    timers: list[datetime] = field(default_factory=list)
    overtaken: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The last transition up to which nothing is missing."""
        heard = {*self.told, *self.loaded}
        number = -1
        while number + 1 in heard:
            number += 1
        return number

    def _hear(self, told: tuple[Told, ...], numbers: list[int]) -> None:
        for one in told:
            numbers.append(one.number)
            self.digests.setdefault(one.number, set()).add(one.digest)


async def known(client: Client, workflow_id: str) -> Known:
    """Read the newest run of a workflow. Raises RPCError (NOT_FOUND) where there is none."""
    handle = client.get_workflow_handle(workflow_id)
    description = await handle.describe()
    found = Known(description.status)
    pending: dict[str, datetime] = {}
    scheduled: dict[int, str] = {}
    async for event in handle.fetch_history_events():
        found.events += 1
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                given = _one(
                    event.workflow_execution_started_event_attributes.input, ExecutionInput
                )
                found.loaded += range(given.known + 1)
                for number, digest in (given.digests or {}).items():
                    found.digests.setdefault(number, set()).add(digest)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                news = _one(event.workflow_execution_signaled_event_attributes.input, News)
                found._hear(news.told, found.told)
            case EventType.EVENT_TYPE_MARKER_RECORDED:
                _take_marker(found, event.marker_recorded_event_attributes)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                attributes = event.activity_task_scheduled_event_attributes
                scheduled[event.event_id] = attributes.activity_type.name
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                if scheduled[done.scheduled_event_id] == "settle":
                    found._hear(_one(done.result, Settlement).news, found.loaded)
            case EventType.EVENT_TYPE_TIMER_STARTED:
                begun = event.timer_started_event_attributes
                length = begun.start_to_fire_timeout.ToTimedelta()
                pending[begun.timer_id] = _instant(event.event_time.ToDatetime(), length)
            case EventType.EVENT_TYPE_TIMER_FIRED:
                pending.pop(event.timer_fired_event_attributes.timer_id, None)
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                pending.pop(event.timer_canceled_event_attributes.timer_id, None)
            case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                failed = event.workflow_task_failed_event_attributes
                if failed.cause == OVERTAKEN:
                    found.overtaken += 1
                else:
                    found.failures.append(f"{failed.cause}: {failed.failure.message[:200]}")
            case _:
                continue
    found.timers = sorted(pending.values())
    return found


def _take_marker(found: Known, attributes: Any) -> None:
    if attributes.marker_name != "core_local_activity" or "result" not in attributes.details:
        return
    about = _convert.from_payload(attributes.details["data"].payloads[0])
    if about["activity_type"] == "settle":
        found._hear(_one(attributes.details["result"], Settlement).news, found.loaded)


def _one(payloads: Any, kind: type[Any]) -> Any:
    return _convert.from_payloads(payloads.payloads, [kind])[0]


def _instant(began: datetime, length: timedelta) -> datetime:
    return began.replace(tzinfo=UTC) + length
