"""The servers under us die, again and again, with work in the air."""

from __future__ import annotations

import asyncio
import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.load import Load
from tests.faults.people import Crew
from tests.faults.playbook import VIGIL
from tests.faults.reconciling import Findings, reconcile, settle_down
from tests.faults.results import Table
from tests.faults.stack import PARTS, Stack

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(1200)]


async def test_temporal_dies_with_timers_pending(team: Crew, table: Table) -> None:
    pending, runs = 40, 3
    for number in range(pending):
        await team.start_before(timedelta(seconds=15 + number))
    await settle_down(team, 30)
    for _ in range(runs):
        await team.stack.kill("temporal")
        await asyncio.sleep(2)
        await team.stack.revive("temporal")
        await asyncio.sleep(6)
    await asyncio.sleep(20)
    await settle_down(team)
    found = await reconcile(team)
    assert found.counts["escalations"] >= pending
    how = f"kill -9 three times, {pending} timers pending"
    table.add("2 Temporal dies", how, runs, found)


async def test_postgres_stops_at_once_every_few_seconds_under_load(
    team: Crew, table: Table, chance: random.Random
) -> None:
    load = Load(team, chance, every=0.4)
    running = asyncio.create_task(load.run())
    runs = 12
    for _ in range(runs):
        await asyncio.sleep(chance.uniform(2, 5))
        await team.stack.stop_postgres_at_once()
        await team.stack.revive("postgres")
    await load.end()
    await running
    await settle_down(team)
    how = "immediate stop every 2 to 5 s under load"
    table.add("3 PostgreSQL stops", how, runs, await reconcile(team))


async def test_postgres_dies_as_it_recovers(
    team: Crew, table: Table, chance: random.Random
) -> None:
    load = Load(team, chance, every=0.4)
    running = asyncio.create_task(load.run())
    runs = 6
    for _ in range(runs):
        await asyncio.sleep(chance.uniform(2, 4))
        await team.stack.kill("postgres")
        for _ in range(2):
            await team.stack.launch_and_kill("postgres", chance.uniform(0.02, 0.5))
        await team.stack.revive("postgres")
    await load.end()
    await running
    await settle_down(team)
    how = "kill -9, and twice more while it recovers"
    table.add("4 PostgreSQL dies in recovery", how, runs * 3, await reconcile(team))


async def test_postgres_dies_before_an_answer_of_the_mail_server_is_written(
    team: Crew, table: Table
) -> None:
    """The answer was seen, so that nothing is sent again, however long the outage."""
    stack, box = team.stack, team.stack.box
    runs = 4
    for outage in range(runs):
        before = len(box.arrivals)
        box.keep()
        await team.start_before(timedelta(seconds=59))
        await stack.until(box.held.is_set)
        await stack.kill("postgres")
        box.let_go()
        await asyncio.sleep(outage * 5)
        await stack.revive("postgres")
        await settle_down(team)
        # by their ids, which a second attempt repeats: deadlines of earlier rounds send theirs too
        arrived = [identity for _, identity in box.arrivals]
        assert len(arrived) > before
        assert len(set(arrived)) == len(arrived)
    how = "kill -9 between SMTP's answer and its record"
    table.add("1 PostgreSQL dies inside an effect", how, runs, await reconcile(team))


async def test_everything_is_down_over_a_deadline(team: Crew, table: Table) -> None:
    """It fires once and is recorded as late; what came in time after it is not."""
    stack = team.stack
    over = [await team.start_before(timedelta(seconds=50)) for _ in range(5)]
    await settle_down(team, 5)
    await stack.kill(*PARTS)
    await asyncio.sleep(75)
    await stack.revive("postgres", "temporal", "api", "worker-1", "worker-2")
    await asyncio.sleep(10)
    await settle_down(team)
    late = stack.rows("select execution_id, level, late from escalations order by 1, 2")
    assert {str(row.execution_id) for row in late} == set(over)
    assert {(row.level, row.late) for row in late if row.level == 1} == {(1, True)}
    table.add("10 outage over a deadline", "all killed for 75 s", 1, await reconcile(team))


async def test_the_store_of_temporal_is_set_back_to_yesterday(
    team: Crew, table: Table, place: Path
) -> None:
    """What Temporal forgot comes back from the record: begun, moved on and ended executions."""
    stack = team.stack
    moved = [await team.start() for _ in range(4)]
    waiting = [await team.start(VIGIL) for _ in range(4)]
    ending = [await team.start() for _ in range(4)]
    cancelled = [await team.start(VIGIL) for _ in range(2)]
    await settle_down(team, 60)
    copy = place / "yesterday"
    beaten = pulse_of(stack)
    await stack.handle(stack.temporal.stop)
    shutil.copytree(stack.temporal.directory, copy)
    await stack.handle(stack.temporal.start)
    await team_works_on(team, moved, waiting, ending, cancelled)
    await settle_down(team, 90)
    # yesterday's store lacks many beats; one is enough to be noticed, and none would not be
    await stack.until(lambda: pulse_of(stack) > beaten + 1, 120)
    await set_back(stack, copy)
    found = await wait_for_agreement(team, 500)
    table.add("Temporal's store set back", "an older copy of the file", 1, found)


async def test_a_workflow_terminated_by_hand_comes_back_by_itself(team: Crew, table: Table) -> None:
    """Nobody does anything: the periodic check finds it."""
    executions = [await team.start(VIGIL) for _ in range(3)]
    await settle_down(team, 60)
    client = await team.stack.client()
    async for found in client.list_workflows('WorkflowType = "Execution"'):
        await client.get_workflow_handle(found.id).terminate("by hand")
    found_ = await wait_for_agreement(team, 500)
    table.add("workflows terminated by hand", "nobody does anything", len(executions), found_)


def pulse_of(stack: Stack) -> int:
    """How far the record has seen Temporal's store come (`activities/pulse.py`)."""
    return int(stack.rows("select coalesce(max(pulse), 0) as pulse from temporal_stores")[0].pulse)


async def team_works_on(
    team: Crew, moved: list[str], waiting: list[str], ending: list[str], cancelled: list[str]
) -> None:
    """What happens between the copy and the loss."""
    for execution in moved:
        await team.complete(execution, "call")
    for execution in waiting:
        await team.complete(execution, "visit")
    for execution in ending:
        await team.complete(execution, "call")
        await team.complete(execution, "wrap-up")
    for execution in cancelled:
        await team.steer(execution, "cancel")
    for _ in range(3):
        await team.start()
        await team.start(VIGIL)


async def set_back(stack: Stack, copy: Path) -> None:
    """Put the old file in the place of the new one, while the workers go on."""

    def replace() -> None:
        stack.temporal.stop()
        for left in stack.temporal.directory.glob("temporal.sqlite*"):
            left.unlink()
        for name in copy.glob("temporal.sqlite*"):
            shutil.copy2(name, stack.temporal.directory / name.name)
        stack.temporal.start()

    await stack.handle(replace)


async def wait_for_agreement(team: Crew, patience: float) -> Findings:
    """Until record and Temporal agree, or what still differs after `patience` seconds."""
    until = asyncio.get_running_loop().time() + patience
    while True:
        found = await reconcile(team)
        if found.clean or asyncio.get_running_loop().time() > until:
            return found
        await asyncio.sleep(5)
