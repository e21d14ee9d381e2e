"""What scenarios ask of an arm, and what both arms share: HTTP in, rows and histories out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
import psycopg
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.servers import Crew, Servers, cpu_seconds
from bench.wire import Call

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class History:
    """What a workflow's history says. `heard` maps transition numbers to when it knew them."""

    events: int
    running_at: datetime | None
    heard: dict[int, datetime] = field(default_factory=dict)


class Arm(Protocol):
    """One way to do the same work. Executions are named by their ids."""

    name: str
    crew: Crew
    servers: Servers
    client: Client

    async def accounts(self, count: int) -> list[UUID]:
        """Fresh accounts to start executions for."""

    def start(self, account: UUID, key: str) -> Call:
        """The request that starts an execution."""

    def start_some(self, accounts: Sequence[UUID], key: str) -> Call | None:
        """The request that starts an execution for each; None for an arm that has none."""

    def complete(self, execution: UUID, step: str, key: str) -> Call:
        """The request that completes a step."""

    async def readable(self, executions: Sequence[UUID] | None = None) -> int:
        """How many first steps stand in the inbox, of these executions or of all."""

    async def numbers(self, executions: Sequence[UUID]) -> dict[UUID, int]:
        """The last transition of each execution, as the record has it."""

    async def closed_steps(self, executions: Sequence[UUID]) -> int:
        """How many completed steps these executions have in the record."""

    async def untold(self) -> int:
        """Transitions that no workflow is known to have heard of."""

    async def recorded(self, executions: Sequence[UUID]) -> dict[tuple[UUID, int], datetime]:
        """When each transition was recorded: the beginning of its transaction."""

    def workflow(self, execution: UUID) -> str:
        """The id of its workflow."""


def execution_of(answer: Any) -> UUID:
    """The id in the answer to a start, the same in both arms."""
    return UUID(answer["execution"]["id"])


def cpu_of(arm: Arm) -> float:
    """CPU seconds so far of everything that serves the arm; the client is not counted."""
    return cpu_seconds([*arm.crew.processes, *arm.servers.processes])


class Record:
    """The record of an arm, read beside it by one connection that no row security binds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows."""
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        found = await self._connection.execute(query.encode(), values)
        return await found.fetchall()

    async def count(self, query: str, *values: Any) -> int:
        """One number."""
        rows = await self.select(query, *values)
        return int(rows[0][0])

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


async def histories(arm: Arm, executions: Iterable[UUID]) -> dict[UUID, History]:
    """The history of each execution's workflow, read after the measured time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(execution: UUID) -> tuple[UUID, History]:
        async with gate:
            return execution, await _history(arm.client, arm.workflow(execution))

    return dict(await asyncio.gather(*(one(execution) for execution in executions)))


async def _history(client: Client, workflow: str) -> History:
    events, running_at = 0, None
    heard: dict[int, datetime] = {}
    async for event in client.get_workflow_handle(workflow).fetch_history_events():
        events += 1
        at = event.event_time.ToDatetime(tzinfo=UTC)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            running_at = running_at or at
        for number in _numbers(event):
            heard.setdefault(number, at)
    return History(events, running_at, heard)


def _numbers(event: Any) -> list[int]:
    """Transitions that this event tells of: at the start, in a signal, or by settling."""
    payloads: list[Any] = []
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        payloads += event.workflow_execution_started_event_attributes.input.payloads
    elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
        payloads += event.workflow_execution_signaled_event_attributes.input.payloads
    elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
        for details in event.marker_recorded_event_attributes.details.values():
            payloads += details.payloads
    elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        payloads += event.activity_task_completed_event_attributes.result.payloads
    found: list[int] = []
    for payload in payloads:
        try:
            value = orjson.loads(payload.data)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            told = value.get("told") or value.get("news") or []
            found += [one["number"] for one in told if isinstance(one, dict)]
    return found
