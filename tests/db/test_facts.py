"""A batch of facts in the database: steps that wait for one, and what was known when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.engine import Database
from db.facts import Sent, Taken, refresh, take_facts
from db.facts_judged import FactStatus
from db.models.facts import Fact
from db.models.transitions import Transition
from db.queries.clock import database_now
from db.queries.statistics import read_statistics
from domain.facts.checking import Observed
from domain.facts.kinds import KINDS
from domain.playbook.definition import Value
from runtime.ids import new_id
from tests.db.test_transitions import World, two_calls

pytestmark = pytest.mark.anyio

AT = datetime.now(UTC).replace(microsecond=0)


def sent(
    account: UUID,
    kind: str,
    key: str,
    at: datetime = AT,
    *,
    known_at: datetime | None = None,
    **content: Value,
) -> Sent:
    observed = Observed(kind, at, content, known_at)
    return Sent(0, new_id(), str(account), None, "crm", key, observed)


async def take(world: World, *batch: Sent) -> Taken:
    rows = [replace(one, index=index) for index, one in enumerate(batch)]
    async with world.db.transaction(world.org) as session:
        return await take_facts(session, rows, clock=world.clock)


async def known(world: World, account: UUID | None = None) -> dict[str, Any]:
    async with world.db.reading(world.org) as session:
        found = await read_statistics(session, world.org.org, account or world.account)
    return found.fields


@pytest.fixture
async def world(db: Database) -> World:
    """The first step of an open execution is completed by a call."""
    definition = two_calls()
    phase = definition.phases[0]
    call = replace(phase.steps[0], completes_on=("touch.call",))
    definition = replace(definition, phases=(replace(phase, steps=(call, phase.steps[1])),))
    world = await World(db).begin(definition)
    await world.start()
    world.ahead = timedelta(hours=1)
    return world


class TestSteps:
    async def test_a_step_that_waits_for_a_fact_is_completed(self, world: World) -> None:
        at = AT + timedelta(minutes=5)
        batch = [
            sent(world.account, "touch.meeting", "m-1", at),
            sent(world.account, "touch.call", "c-1", at),
            sent(world.account, "touch.call", "c-2", at),
        ]
        taken = await take(world, *batch)
        assert [one.number for one in taken.applied] == [1]
        transitions = await world.rows(Transition, Transition.number)
        assert [one.kind for one in transitions] == ["started", "fact_arrived"]
        assert (await take(world, *batch)).applied == ()

    async def test_one_from_before_the_step_opened_is_no_answer(self, world: World) -> None:
        taken = await take(world, sent(world.account, "touch.call", "c-1", AT - timedelta(days=30)))
        assert taken.results[0].status is FactStatus.accepted
        assert [one.kind for one in await world.rows(Transition)] == ["started"]


class TestKnowing:
    async def test_the_rolling_statistics_are_those_of_a_recomputation(self, world: World) -> None:
        for number in range(6):
            await take(
                world,
                sent(
                    world.account,
                    "ticket.opened",
                    f"t-{number}",
                    _ago(number * 9),
                    ticket=str(number),
                ),
                sent(
                    world.account, "usage.recorded", f"u-{number}", _ago(70 - number * 13), events=3
                ),
                sent(world.account, "touch.mail", f"m-{number}", _ago(number), direction="inbound"),
            )
        async with world.db.transaction(world.org) as session:
            now = world.clock(await database_now(session))
            made = await refresh(session, [world.account], list(KINDS), now)
        fields = await known(world)
        assert made[world.account] == {name: fields[name] for name in made[world.account]}
        assert {"ticket.open", "usage.change_30d", "touch.last_at"} <= set(made[world.account])

    async def test_known_when_recorded_unless_it_says_otherwise(self, world: World) -> None:
        await take(
            world,
            sent(world.account, "pulse.recorded", "p-1", _ago(9), known_at=_ago(8), risk="low"),
            sent(world.account, "pulse.recorded", "p-2", _ago(7), risk="high"),
        )
        async with world.db.transaction(world.org) as session:
            then = await refresh(session, [world.account], ["pulse.recorded"], _ago(6))
            before = await refresh(session, [world.account], ["pulse.recorded"], _ago(8.5))
        assert then[world.account]["pulse.last"] == "low"
        assert before[world.account] == {}
        assert (await known(world))["pulse.last"] == "high"
        stored = {one.external_id: one.known_at for one in await world.rows(Fact)}
        assert stored["p-1"] == _ago(8)
        assert stored["p-2"] > AT

    async def test_a_correction_counts_from_when_it_was_known(self, world: World) -> None:
        wrong = sent(world.account, "pulse.recorded", "p-1", _ago(9), known_at=_ago(8), risk="low")
        right = sent(
            world.account, "pulse.recorded", "p-1", _ago(500), known_at=_ago(4), risk="high"
        )
        await take(world, wrong, replace(right, corrects=wrong.id))
        async with world.db.transaction(world.org) as session:
            before = await refresh(session, [world.account], ["pulse.recorded"], _ago(5))
            after = await refresh(session, [world.account], ["pulse.recorded"], _ago(3))
        assert before[world.account]["pulse.last"] == "low"
        assert after[world.account] == {}


def _ago(days: float) -> datetime:
    return AT - timedelta(days=days)
