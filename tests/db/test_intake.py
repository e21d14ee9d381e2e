"""What becomes known about an account reaches the executions it concerns, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.engine import Database
from db.intake import Fact, learn_fact, learn_fields
from db.models.executions import Execution
from db.models.transitions import Transition
from domain.errors import Conflict
from domain.playbook.definition import Value
from runtime.ids import new_id
from tests.db.test_transitions import World, two_calls

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(db: Database) -> World:
    return await World(db).begin()


async def change(world: World, fields: dict[str, Value], expected: int | None = None) -> list[UUID]:
    async with world.db.transaction(world.org) as session:
        learned = await learn_fields(
            session, world.account, fields, expected=expected, clock=world.clock
        )
    return [applied.execution for applied in learned.applied]


async def kinds(world: World) -> list[str]:
    return [t.kind for t in await world.rows(Transition, Transition.number)]


class TestFields:
    async def test_a_condition_that_turns_is_a_transition(self, world: World) -> None:
        started = await world.start()
        assert await change(world, {"health.score": 80}) == [started.execution]
        assert await kinds(world) == ["started", "fields_changed"]

    async def test_a_change_that_turns_nothing_is_none(self, world: World) -> None:
        await world.start()
        assert await change(world, {"health.score": 70}) == []
        assert await change(world, {"nps.last_score": 3}) == []
        assert await kinds(world) == ["started"]

    async def test_it_can_close_an_execution(self, world: World) -> None:
        started = await world.start()
        await world.complete(started.execution, "call", "a")
        await change(world, {"health.score": 70.5})
        await world.complete(started.execution, "check", "b")
        (execution,) = await world.rows(Execution)
        assert (execution.outcome, execution.outcome_code) == ("success", "recovered")

    async def test_a_version_that_is_gone_is_a_conflict(self, world: World) -> None:
        await change(world, {"health.score": 61})
        with pytest.raises(Conflict) as refused:
            await change(world, {"health.score": 62}, expected=1)
        assert refused.value.code == "changed_meanwhile"


class TestFacts:
    async def test_a_fact_nobody_waits_for_makes_no_transition(self, world: World) -> None:
        await world.start()
        fact = Fact("touch.meeting", new_id(), datetime.now(UTC))
        async with world.db.transaction(world.org) as session:
            assert await learn_fact(session, world.account, fact) == ()
        assert await kinds(world) == ["started"]

    async def test_the_same_fact_twice_is_applied_once(self, db: Database) -> None:

        definition = two_calls()
        phase = definition.phases[0]
        call = replace(phase.steps[0], completes_on=("touch.call",))
        definition = replace(definition, phases=(replace(phase, steps=(call, phase.steps[1])),))
        world = await World(db).begin(definition)
        started = await world.start()
        at = datetime.now(UTC) + timedelta(seconds=5)
        world.ahead = timedelta(minutes=1)
        touch: UUID = new_id()
        for _ in range(2):
            async with db.transaction(world.org) as session:
                moved = await learn_fact(
                    session,
                    world.account,
                    Fact("touch.call", touch, at),
                    clock=world.clock,
                )
        assert [m.repeated for m in moved] == []
        assert await kinds(world) == ["started", "fact_arrived"]
        assert started.execution
