"""The measured scenarios, the same for each arm; each checks that its arm did the work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from bench.arms import Arm, History, cpu_of, execution_of, histories
from bench.playbook import STEPS
from bench.ratios import percentile
from bench.wire import Connection
from runtime.embedded.ports import LOOPBACK

IN_FLIGHT = 32
IN_BULK = 50
"""Accounts to one request."""

ALONE = 15
"""Executions of one client that works alone: 120 completions."""

LOAD = 96
"""Executions of the load with 32 in flight: 768 completions."""

OPEN_LOOP_PER_SECOND = 20
_LOOK_SECONDS = 0.025
_PATIENCE_SECONDS = 180.0


class Wrong(RuntimeError):
    """An arm that did not do the work: its times mean nothing."""


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds from the first request until the last first step was readable, and until the last
    workflow had done its first task; and CPU seconds until then.

    `bulk_readable` and `bulk_running` are the same with many accounts to a request; of an arm that
    has no such request, those of single ones.
    """

    readable: float
    running: float
    cpu: float
    bulk_readable: float
    bulk_running: float


@dataclass(frozen=True, slots=True)
class Completed:
    """`alone` in seconds by request; `per_second` with 32 in flight; `told` in seconds after the
    load; CPU milliseconds for one completion, telling included; history events per step."""

    alone_p50: float
    alone_p99: float
    per_second: float
    told_after: float
    cpu_ms: float
    events_per_step: float


@dataclass(frozen=True, slots=True)
class Paced:
    """At 20 requests a second: answers, and from the commit until the workflow was told; seconds.

    `told` is 0 for an arm whose workflow makes the transition itself.
    """

    answered_p50: float
    answered_p99: float
    told_p50: float
    told_p99: float
    measured: int


async def start_many(arm: Arm, wanted: int) -> Started:
    """Start executions with 32 requests in flight, then as many with 50 accounts to a request."""
    cpu = cpu_of(arm)
    readable, running = await _start_all(arm, wanted, _start)
    spent = cpu_of(arm) - cpu
    bulk = (readable, running)
    if arm.start_some([], "") is not None:
        bulk = await _start_all(arm, wanted, _start_in_bulk)
    return Started(readable, running, spent, *bulk)


async def _start_all(
    arm: Arm, wanted: int, start: Callable[[Arm, Sequence[UUID]], Coroutine[Any, Any, list[UUID]]]
) -> tuple[float, float]:
    """Seconds until all were readable, and until all were running."""
    accounts = await arm.accounts(wanted)
    before = await arm.readable()
    began, began_at = time.perf_counter(), datetime.now(UTC)
    starting = asyncio.create_task(start(arm, accounts))
    await _until(lambda: _reached(arm.readable, before + wanted), starting)
    readable = time.perf_counter() - began
    executions = await starting
    await _until(lambda: _reached_zero(arm.untold))
    found = await _all_running(arm, executions)
    if await arm.readable(executions) != wanted or len(set(executions)) != wanted:
        raise Wrong(f"{arm.name}: not every execution has its first step exactly once")
    last = max(one.running_at for one in found.values() if one.running_at is not None)
    return readable, (last - began_at).total_seconds()


async def complete_steps(arm: Arm) -> Completed:
    """Complete steps: one client alone, then 32 in flight; then wait until all are told."""
    executions = await _running(arm, ALONE + LOAD)
    alone = await _complete_alone(arm, executions[:ALONE])
    loaded = executions[ALONE:]
    await _until(lambda: _reached_zero(arm.untold))
    cpu, began = cpu_of(arm), time.perf_counter()
    await _complete_all(arm, loaded)
    took = time.perf_counter() - began
    ended_at = datetime.now(UTC)
    await _until(lambda: _reached_zero(arm.untold))
    spent = cpu_of(arm) - cpu
    if await arm.closed_steps(executions) != len(executions) * len(STEPS):
        raise Wrong(f"{arm.name}: steps were answered as completed and are not")
    found = await histories(arm, loaded)
    completions = len(loaded) * len(STEPS)
    return Completed(
        alone_p50=percentile(alone, 0.5),
        alone_p99=percentile(alone, 0.99),
        per_second=completions / took,
        told_after=await _told_after(arm, found, ended_at),
        cpu_ms=1000 * spent / completions,
        events_per_step=sum(one.events for one in found.values()) / completions,
    )


async def complete_paced(arm: Arm, seconds: float) -> Paced:
    """Complete steps at a steady pace, whether or not earlier answers have come (open loop)."""
    wanted = round(OPEN_LOOP_PER_SECOND * seconds)
    executions = await _running(arm, -(-wanted // len(STEPS)))
    await _until(lambda: _reached_zero(arm.untold))
    order = [(execution, step) for step in STEPS for execution in executions][:wanted]
    idle: asyncio.Queue[Connection] = asyncio.Queue()  # in turn, so that no server ends one
    times: list[float] = []
    began = time.perf_counter()

    async def one(index: int, execution: UUID, step: str) -> None:
        due = began + index / OPEN_LOOP_PER_SECOND
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        connection = await idle.get()
        try:
            await connection.ask(arm.complete(execution, step, str(uuid4())))
        finally:
            idle.put_nowait(connection)
        times.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        opened = await _open(arm, IN_FLIGHT)
        for connection in opened:
            idle.put_nowait(connection)
        for index, (execution, step) in enumerate(order):
            group.create_task(one(index, execution, step))
    await _close(opened)
    await _until(lambda: _reached_zero(arm.untold))
    told = await _told_latencies(arm, executions)
    return Paced(
        percentile(times, 0.5),
        percentile(times, 0.99),
        percentile(told, 0.5) if told else 0.0,
        percentile(told, 0.99) if told else 0.0,
        len(times),
    )


async def warm_up(arm: Arm) -> None:
    """Let the arm prepare its statements and connections before anything is measured."""
    executions = await _running(arm, IN_FLIGHT)
    await _complete_all(arm, executions)
    await _until(lambda: _reached_zero(arm.untold))


# --- the parts ------------------------------------------------------------------------------


async def _start(arm: Arm, accounts: Sequence[UUID]) -> list[UUID]:
    left = iter(accounts)
    made: list[UUID] = []

    async def lane(connection: Connection) -> None:
        for account in left:
            made.append(execution_of(await connection.ask(arm.start(account, str(uuid4())))))

    await _in_lanes(arm, lane)
    return made


async def _start_in_bulk(arm: Arm, accounts: Sequence[UUID]) -> list[UUID]:
    left = iter([accounts[at : at + IN_BULK] for at in range(0, len(accounts), IN_BULK)])
    made: list[UUID] = []

    async def lane(connection: Connection) -> None:
        for some in left:
            call = arm.start_some(some, str(uuid4()))
            assert call is not None
            answer = await connection.ask(call)
            made.extend(UUID(one["execution"]) for one in answer["results"])

    await _in_lanes(arm, lane)
    return made


async def _running(arm: Arm, wanted: int) -> list[UUID]:
    """Executions that wait at their first step, their workflows asleep."""
    executions = await _start(arm, await arm.accounts(wanted))
    await _until(lambda: _reached_readable(arm, executions))
    await _until(lambda: _reached_zero(arm.untold))
    await _all_running(arm, executions)
    return executions


async def _complete_alone(arm: Arm, executions: Sequence[UUID]) -> list[float]:
    times: list[float] = []
    (connection,) = await _open(arm, 1)
    for execution in executions:
        for step in STEPS:
            began = time.perf_counter()
            await connection.ask(arm.complete(execution, step, str(uuid4())))
            times.append(time.perf_counter() - began)
    await _close([connection])
    return times


async def _complete_all(arm: Arm, executions: Sequence[UUID]) -> None:
    left = iter(executions)

    async def lane(connection: Connection) -> None:
        for execution in left:
            for step in STEPS:
                await connection.ask(arm.complete(execution, step, str(uuid4())))

    await _in_lanes(arm, lane)


async def _in_lanes(arm: Arm, lane: Callable[[Connection], Awaitable[None]]) -> None:
    opened = await _open(arm, IN_FLIGHT)
    try:
        await asyncio.gather(*(lane(connection) for connection in opened))
    finally:
        await _close(opened)


async def _open(arm: Arm, wanted: int) -> list[Connection]:
    return [await Connection(LOOPBACK, arm.crew.port).__aenter__() for _ in range(wanted)]


async def _close(opened: Sequence[Connection]) -> None:
    for connection in opened:
        await connection.__aexit__(None, None, None)


async def _all_running(arm: Arm, executions: Sequence[UUID]) -> dict[UUID, History]:
    """Their histories, once each workflow has done its first task."""
    until = time.perf_counter() + _PATIENCE_SECONDS
    found: dict[UUID, History] = {}
    while missing := [one for one in executions if one not in found]:
        if time.perf_counter() > until:
            raise Wrong(f"{arm.name}: {len(missing)} workflows do not run")
        for execution, history in (await histories(arm, missing)).items():
            if history.running_at is not None:
                found[execution] = history
    return found


async def _told_after(arm: Arm, found: dict[UUID, History], ended_at: datetime) -> float:
    """Seconds from the last answer until the last workflow knew its last transition."""
    if arm.name == "bare":
        return 0.0
    numbers = await arm.numbers(list(found))
    late = [one for one, history in found.items() if not _knows_all(history, numbers[one])]
    if late:
        raise Wrong(f"{arm.name}: {len(late)} workflows were not told of every transition")
    last = max(max(history.heard.values()) for history in found.values())
    return max((last - ended_at).total_seconds(), 0.0)


def _knows_all(history: History, last: int) -> bool:
    return set(range(last + 1)) <= set(history.heard)


async def _told_latencies(arm: Arm, executions: Sequence[UUID]) -> list[float]:
    if arm.name == "bare":
        return []
    found = await histories(arm, executions)
    recorded = await arm.recorded(executions)
    missing = [key for key in recorded if key[1] not in found[key[0]].heard]
    if missing:
        raise Wrong(f"{arm.name}: {len(missing)} transitions are in no history")
    return [
        (found[execution].heard[number] - at).total_seconds()
        for (execution, number), at in recorded.items()
        if number > 0
    ]


async def _reached(read: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await read() >= wanted


async def _reached_zero(read: Callable[[], Awaitable[int]]) -> bool:
    return await read() == 0


async def _reached_readable(arm: Arm, executions: Sequence[UUID]) -> bool:
    return await arm.readable(executions) == len(executions)


async def _until(
    holds: Callable[[], Awaitable[bool]], meanwhile: asyncio.Task[list[UUID]] | None = None
) -> None:
    """Look until it holds; raises Wrong after three minutes, or what `meanwhile` raised."""
    until = time.perf_counter() + _PATIENCE_SECONDS
    while not await holds():
        if meanwhile is not None and meanwhile.done():
            meanwhile.result()
        if time.perf_counter() > until:
            raise Wrong("the work was not done within three minutes")
        await asyncio.sleep(_LOOK_SECONDS)
