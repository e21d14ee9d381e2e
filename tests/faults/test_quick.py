"""The quick half: the faults that every change has to survive, on one running product."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.faults.people import Crew
from tests.faults.playbook import VIGIL
from tests.faults.reconciling import reconcile, settle_down
from tests.faults.results import Table
from workflows.ids import workflow_id

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

NO_WORKERS = ("worker-1", "worker-2")


async def test_what_may_fail_on_any_day(gated_team: Crew, table: Table) -> None:
    """One product, one fault after the other: each leaves nothing lost and nothing twice."""
    await temporal_and_workers_are_down(gated_team, table)
    await postgres_is_down(gated_team, table)
    await the_worker_dies_inside_a_mail(gated_team, table)
    await the_worker_dies_after_its_commit(gated_team, table)
    await the_api_dies_between_commit_and_answer(gated_team, table)
    await the_api_dies_between_commit_and_signal(gated_team, table)
    await two_people_are_at_it_at_once(gated_team, table)
    await somebody_terminates_a_workflow(gated_team, table)


async def temporal_and_workers_are_down(team: Crew, table: Table) -> None:
    """People work on; when all is back everything is told and each missed deadline fires once."""
    stack = team.stack
    missed = await team.start()
    await stack.kill("temporal", *NO_WORKERS)
    quick = await team.start()
    assert (await team.complete(quick, "call")).status == 200
    assert (await team.complete(quick, "wrap-up")).status == 200
    waiting = await team.start(VIGIL)
    assert (await team.complete(waiting, "visit")).status == 200
    long_due = await team.start_before(timedelta(seconds=150))
    await stack.revive("temporal", "worker-1")  # one of two is enough for what follows
    await stack.until(lambda: levels(team, long_due) == [(1, True), (2, False)], 90)
    assert levels(team, missed) in ([], [(1, False)])
    await done(team, table, "Temporal and all workers down", "kill -9, people work on", 1)


async def postgres_is_down(team: Crew, table: Table) -> None:
    """Every request is answered 503 in time, nothing is half done, and the retry is the first."""
    stack = team.stack
    execution = await team.start(VIGIL)
    await stack.kill("postgres")
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as client:
        for _ in range(3):
            headers = {"Authorization": f"Bearer {team.carl.token}", "Idempotency-Key": "down"}
            body = {"playbook": VIGIL, "account": str(team.accounts[0])}
            answer = await client.post("/api/v1/executions", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
    waiting = asyncio.create_task(team.complete(execution, "visit"))
    await asyncio.sleep(1)
    await stack.revive("postgres")
    assert (await waiting).status == 200
    await done(team, table, "PostgreSQL down", "kill -9; 503, then the same again", 1)


async def the_worker_dies_inside_a_mail(team: Crew, table: Table) -> None:
    """The answer was never seen, so it is sent again: under the same Message-ID."""
    stack, box = team.stack, team.stack.box
    before = len(box.arrivals)
    box.keep()
    execution = await team.start_before(timedelta(seconds=59))
    await stack.until(box.held.is_set)
    await stack.kill("worker-1")
    box.let_go()
    await stack.revive("worker-1")
    await stack.until(lambda: len(box.arrivals) == before + 2)
    assert len({which for _, which in box.arrivals[before:]}) == 1
    assert levels(team, execution) == [(1, False)]
    await done(team, table, "1 worker dies inside an effect", "kill -9 before SMTP's answer", 1)


async def the_worker_dies_after_its_commit(team: Crew, table: Table) -> None:
    """The deadline is settled and the worker dies before it knows: settled once all the same."""
    stack = team.stack
    hold = stack.gate().worker_to_postgres.hold_answer_to(b"escalate:call", b"COMMIT")
    execution = await team.start_before(timedelta(seconds=59))
    await stack.until(hold.caught.is_set)
    assert levels(team, execution) == [(1, False)]
    await stack.kill("worker-1")
    await stack.revive("worker-1")
    await done(team, table, "1 worker dies after its commit", "kill -9, answer held", 1)


async def the_api_dies_between_commit_and_answer(team: Crew, table: Table) -> None:
    """The commit is done, nobody knows, and the client asks again: one execution, one step."""
    stack = team.stack

    async def dies_under(asked: Coroutine[Any, Any, str]) -> str:
        hold = stack.gate().api_to_postgres.hold_answer_to(b"COMMIT")
        asking = asyncio.create_task(asked)
        await stack.until(hold.caught.is_set)
        assert not asking.done()
        await stack.kill("api")
        await stack.revive("api")
        return await asking

    execution = await dies_under(team.start(VIGIL))
    await dies_under(complete(team, execution, "visit"))
    assert [one.tries > 1 for one in team.ledger[-2:]] == [True, True]
    await done(team, table, "5 API dies before its answer", "kill -9, commit's answer held", 2)


async def the_api_dies_between_commit_and_signal(team: Crew, table: Table) -> None:
    """Acknowledged, and Temporal was never reached: the relay tells it, once and in order."""
    stack = team.stack
    running = await team.start(VIGIL)
    stack.gate().api_to_temporal.cut()
    assert (await team.complete(running, "visit")).status == 200
    begun = await team.start()
    assert (await team.complete(begun, "call")).status == 200
    assert (await team.complete(begun, "wrap-up")).status == 200
    await stack.kill("api")
    stack.gate().api_to_temporal.mend()
    await stack.revive("api")
    await done(team, table, "6 API dies before its signal", "way to Temporal cut, kill -9", 1)


async def two_people_are_at_it_at_once(team: Crew, table: Table) -> None:
    """One wins, the other is told so."""
    runs = 8
    for _ in range(runs):
        execution = await team.start()
        both = await asyncio.gather(
            team.complete(execution, "call"), team.complete(execution, "call", team.cora)
        )
        assert sorted(one.status for one in both) == [200, 409], both
        assert (await team.complete(execution, "wrap-up")).status == 200
    await done(team, table, "8 two people at once", "the same step, at the same moment", runs)


async def somebody_terminates_a_workflow(team: Crew, table: Table) -> None:
    """The next command finds it gone and brings it back, with its timer."""
    stack = team.stack
    execution = await team.start(VIGIL)
    await settle_down(team, 30)
    client = await stack.client()

    await client.get_workflow_handle(workflow_id(team.org.org, UUID(execution))).terminate(
        "by hand"
    )
    assert (await team.complete(execution, "visit")).status == 200
    await done(team, table, "a workflow terminated by hand", "then a command", 1)


async def complete(team: Crew, execution: str, step: str) -> str:
    """Completes a step and gives back the execution's id."""
    assert (await team.complete(execution, step)).status == 200
    return execution


async def done(team: Crew, table: Table, fault: str, how: str, runs: int) -> None:
    """Everything under way ends, and nothing differs."""
    await settle_down(team, 60)
    table.add(fault, how, runs, await reconcile(team))


def levels(team: Crew, execution: str) -> list[tuple[int, bool]]:
    """Ladder levels that fired, and whether each is on record as late."""
    found = team.stack.rows(
        "select level, late from escalations where execution_id = %(id)s order by level",
        id=execution,
    )
    return [(row.level, row.late) for row in found]
