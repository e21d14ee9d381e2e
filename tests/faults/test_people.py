"""Two people at once, a completion at the instant of the breach, and APIs that die in between."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from tests.faults.people import Command, Crew
from tests.faults.playbook import VIGIL
from tests.faults.reconciling import reconcile, settle_down
from tests.faults.results import Table

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(900)]


async def test_two_people_complete_the_same_step_at_once(team: Crew, table: Table) -> None:
    runs = 40
    for _ in range(runs):
        execution = await team.start()
        who = (team.carl, team.cora, team.dora)
        asked = (team.complete(execution, "call", one) for one in who)
        answers = await asyncio.gather(*asked)
        assert sorted(one.status for one in answers) == [200, 409, 409], answers
        assert (await team.complete(execution, "wrap-up")).status == 200
    await settle_down(team)
    how = "three people, the same step, at the same moment"
    table.add("8 two people at once", how, runs, await reconcile(team))


async def test_a_completion_races_the_breach(
    team: Crew, table: Table, chance: random.Random
) -> None:
    """Whoever is first: in time without a breach, or a breach with its escalation and then done."""
    runs = 40

    async def race() -> tuple[str, Command]:
        execution = await team.start_before(timedelta(seconds=57))
        due = team.stack.rows(
            "select next_deadline from executions where id = %(id)s", id=execution
        )
        left = due[0].next_deadline.timestamp() - time.time()
        await asyncio.sleep(max(left + chance.uniform(-0.12, 0.02), 0))
        return execution, await team.complete(execution, "call")

    for _ in range(runs // 4):
        for execution, command in await asyncio.gather(*(race() for _ in range(4))):
            assert command.status == 200, command
            await team.complete(execution, "wrap-up")
    await settle_down(team)
    found = await reconcile(team)
    breached = found.counts["escalations"]
    assert 0 < breached < runs, "the race was never close"
    how = f"completed around its instant; {breached} breached first"
    table.add("9 completion races breach", how, runs, found)


async def test_the_api_dies_between_commit_and_answer(gated_team: Crew, table: Table) -> None:
    team, stack = gated_team, gated_team.stack
    runs = 10

    async def dies_under(asked: Coroutine[Any, Any, Any]) -> Any:
        hold = stack.gate().api_to_postgres.hold_answer_to(b"COMMIT")
        asking = asyncio.create_task(asked)
        await stack.until(hold.caught.is_set)
        await stack.kill("api")
        await stack.revive("api")
        return await asking

    for number in range(runs // 2):
        execution = await dies_under(team.start(VIGIL if number % 2 else "drill"))
        step = "visit" if number % 2 else "call"
        await dies_under(team.complete(execution, step))
    assert sum(one.tries > 1 for one in team.ledger) >= runs
    await settle_down(team)
    how = "kill -9, the answer to its COMMIT held back"
    table.add("5 API dies before its answer", how, runs, await reconcile(team))


async def test_the_api_dies_between_commit_and_signal(gated_team: Crew, table: Table) -> None:
    """Everything acknowledged while the way to Temporal was cut is told by the relay, in order."""
    team, stack = gated_team, gated_team.stack
    runs = 5
    for _ in range(runs):
        running = await team.start(VIGIL)
        stack.gate().api_to_temporal.cut()
        await team.complete(running, "visit")
        begun = [await team.start() for _ in range(3)]
        await asyncio.gather(*(team.complete(one, "call") for one in begun))
        await asyncio.gather(*(team.complete(one, "wrap-up") for one in begun))
        await stack.kill("api")
        stack.gate().api_to_temporal.mend()
        await stack.revive("api")
    await settle_down(team)
    how = "kill -9, the way to Temporal cut before"
    table.add("6 API dies before its signal", how, runs, await reconcile(team))


async def test_workers_die_inside_mails(team: Crew, table: Table) -> None:
    """Sent again only because the answer was never seen, under the same Message-ID."""
    stack, box = team.stack, team.stack.box
    runs = 5
    for _ in range(runs):
        box.keep()
        await team.start_before(timedelta(seconds=59))
        await stack.until(box.held.is_set)
        await stack.kill("worker-1", "worker-2")
        box.let_go()
        await stack.revive("worker-1", "worker-2")
        await settle_down(team, 60)
    found = await reconcile(team)
    assert found.counts["mails sent again, answer unseen"] == runs
    how = "kill -9 of both, mail taken, answer held back"
    table.add("1 worker dies inside an effect", how, runs, found)
