"""A record is lived again, and what was changed in it is found by its number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.calendars import plain_calendar
from domain.playbook.codec import content_hash
from domain.playbook.definition import Definition, Role, Value
from domain.playbook.events import Actor, Event, Migrated, Started
from domain.playbook.machine import Made, transit
from domain.playbook.record import digest_of
from domain.playbook.rederive import Recorded, rederive
from domain.playbook.state import State
from domain.simulate import simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_script import People, Script
from playbooks.library import shipped

START = datetime(2035, 3, 5, 9, 0, tzinfo=UTC)
RESCUE = shipped()["at-risk-intervention"].definition


def record(definition: Definition = RESCUE) -> tuple[list[Recorded], State]:
    """A whole life in which everything is done late, as it stands in the record."""
    fields: dict[str, Value] = {"account.stage": "customer", "health.score": 60}
    subject = SimulatedSubject(fields, {role: role.value for role in Role}, plain_calendar(), {})
    lines = simulate(definition, subject, START, Script(people=People.late)).lines
    state: State | None = None
    found: list[Recorded] = []
    for line in lines:
        if line.event.id.startswith("deadline:"):
            continue
        done = transit(definition, state, line.event, line.at)
        state = done.state
        found += [stored(made) for made in done.made]
    assert state is not None
    return found, state


def stored(made: Made) -> Recorded:
    return Recorded(made.number, made.event, made.at, digest_of(made))


RECORD, STATE = record()


def changed(number: int, **changes: object) -> list[Recorded]:
    return [replace(one, **changes) if one.number == number else one for one in RECORD]  # type: ignore[arg-type]


def test_a_whole_life_follows_from_its_events() -> None:
    found = rederive(RESCUE, RECORD)
    assert found.disagreement is None
    assert found.agreed == len(RECORD) == STATE.number + 1
    assert found.state == STATE


def test_nothing_recorded_leads_nowhere() -> None:
    assert rederive(RESCUE, []).state is None


@pytest.mark.parametrize("number", [0, 5, 60, STATE.number])
class TestTampered:
    def test_an_instant_is_located(self, number: int) -> None:
        at = RECORD[number].at + timedelta(seconds=1)
        fault = rederive(RESCUE, changed(number, at=at)).disagreement
        assert fault is not None
        assert (fault.number, fault.code) == (number, "digest_differs")

    def test_an_actor_is_located(self, number: int) -> None:
        event = replace(RECORD[number].event, actor=Actor("somebody else", (Role.csm,)))
        found = rederive(RESCUE, changed(number, event=event))
        assert found.disagreement is not None
        assert found.disagreement.number == number == found.agreed

    def test_a_digest_is_located(self, number: int) -> None:
        fault = rederive(RESCUE, changed(number, digest="0" * 64)).disagreement
        assert fault is not None
        assert (fault.number, fault.code) == (number, "digest_differs")


def test_a_transition_that_was_taken_out_is_missed() -> None:
    fault = rederive(RESCUE, RECORD[:7] + RECORD[8:]).disagreement
    assert fault is not None
    assert (fault.number, fault.code) == (7, "number_gap")


def test_an_instant_before_the_last_one_is_named() -> None:
    fault = rederive(RESCUE, changed(9, at=START - timedelta(days=1))).disagreement
    assert fault is not None
    assert (fault.number, fault.code) == (9, "instant_order")


def test_an_event_that_the_machine_refuses_is_named_by_its_code() -> None:
    event = Event("again", Started({}, plain_calendar(), {}))
    fault = rederive(RESCUE, changed(4, event=event)).disagreement
    assert fault is not None
    assert (fault.number, fault.code) == (4, "already_started")


class TestMigrated:
    """A life that moves to another version on its third day, and goes on to be settled."""

    LONGER = replace(RESCUE, phases=(replace(RESCUE.phases[0], ends=None), *RESCUE.phases[1:]))

    def record(self) -> list[Recorded]:
        done = transit(RESCUE, None, RECORD[0].event, START)
        found = [stored(made) for made in done.made]
        body = Migrated("v2", content_hash(self.LONGER), 2, content_hash(RESCUE), done.state.fields)
        at = START + timedelta(days=3)
        moved = transit(RESCUE, done.state, Event("move", body), at, self.LONGER)
        assert moved.refusal is None
        later = transit(moved.definition, moved.state, None, at + timedelta(days=30))
        return found + [stored(made) for made in (*moved.made, *later.made)]

    def test_follows_from_both_definitions(self) -> None:
        record = self.record()
        found = rederive(RESCUE, record, {content_hash(self.LONGER): self.LONGER})
        assert found.disagreement is None
        assert found.agreed == len(record)

    def test_needs_the_one_that_it_was_moved_to(self) -> None:
        record = self.record()
        number = next(one.number for one in record if isinstance(one.event.body, Migrated))
        for onto in ({}, {content_hash(self.LONGER): RESCUE}):
            fault = rederive(RESCUE, record, onto).disagreement
            assert fault is not None
            assert (fault.number, fault.code) == (number, "definition_differs")


def test_another_definition_does_not_lead_to_the_same_record() -> None:
    other = replace(RESCUE, phases=(replace(RESCUE.phases[0], ends=None), *RESCUE.phases[1:]))
    assert rederive(other, RECORD).disagreement is not None
