"""Every shipped playbook runs from start to end, whether people are on time, late, or away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from domain.calendars import plain_calendar
from domain.conditions import fields_read
from domain.errors import Refused
from domain.playbook.commands import Breached, Ended, Escalate
from domain.playbook.definition import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Definition,
    Not,
    Op,
    OutcomeKind,
    Role,
    Value,
)
from domain.playbook.draft import ladder_of, step_of
from domain.playbook.events import DeadlinePassed
from domain.playbook.state import CLOSED, ExecutionStatus, StepStatus
from domain.simulate import EndedBy, Simulation, simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_script import Action, Do, People, Script
from playbooks.library import shipped, shipped_keys

C = TypeVar("C")

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday; Christmas comes on the way
TEAM = {role: f"{role.value} of the team" for role in Role}
FIELDS: dict[str, Value] = {
    "account.stage": "customer",
    "account.tier": "high_value",
    "account.arr": 96000,
    "account.renewal_date": "2027-03-01",
    "health.score": 60,
    "nps.last_score": 4,
}


def comparisons(condition: Condition | None) -> Iterator[Compare]:
    match condition:
        case Compare():
            yield condition
        case AllOf() | AnyOf():
            for part in condition.conditions:
                yield from comparisons(part)
        case Not():
            yield from comparisons(condition.condition)


def starts(definition: Definition) -> list[dict[str, str]]:
    """The parameters to start with: one start for each value that its conditions ask for."""
    name = definition.concurrency_key
    if name is None:
        return [{}]
    asked = {
        value
        for step in definition.steps()
        for condition in (step.when, *(case.when for case in step.cases))
        for compared in comparisons(condition)
        if compared.field == f"start.{name}"
        for value in (compared.value if isinstance(compared.value, tuple) else (compared.value,))
        if isinstance(value, str)
    }
    others = {other: f"somebody as {other}" for other in definition.parameters if other != name}
    known = Role.csm.value if name == "role" else "one"
    return [{name: value, **others} for value in sorted(asked) or [known]]


RUNS = [
    pytest.param(key, parameters, id="-".join((key, *list(parameters.values())[:1])))
    for key in shipped_keys()
    for parameters in starts(shipped()[key].definition)
]


def run(key: str, parameters: dict[str, str], people: People) -> Simulation:
    subject = SimulatedSubject(FIELDS, TEAM, plain_calendar(), parameters)
    return simulate(shipped()[key].definition, subject, START, Script(people=people))


def told(simulation: Simulation, kind: type[C]) -> list[tuple[datetime, C, tuple[str, ...]]]:
    """Commands of one kind: when, what, to whom."""
    return [
        (line.at, said.command, said.to)
        for line in simulation.lines
        for said in line.said
        if isinstance(said.command, kind)
    ]


def test_a_start_parameter_that_conditions_name_is_found() -> None:
    named = Compare("start.alert", Op.equals, "payment")
    condition = AllOf((Not(named), Compare("health.score", Op.below, 70)))
    assert {compared.field for compared in comparisons(condition)} == fields_read(condition)


@pytest.mark.parametrize(("key", "parameters"), RUNS)
class TestShipped:
    def test_on_time_it_ends_with_an_outcome_and_without_a_breach(
        self, key: str, parameters: dict[str, str]
    ) -> None:
        simulation = run(key, parameters, People.on_time)
        assert simulation.ended_by is EndedBy.outcome
        assert simulation.state.outcome is not None
        assert len(told(simulation, Ended)) == 1
        assert told(simulation, Breached) == []

    def test_late_it_ends_too_and_every_breach_was_due(
        self, key: str, parameters: dict[str, str]
    ) -> None:
        simulation = run(key, parameters, People.late)
        assert simulation.ended_by is EndedBy.outcome
        breaches = told(simulation, Breached)
        assert breaches
        assert all(at == breach.due_at for at, breach, _ in breaches)

    def test_with_nobody_there_every_ladder_is_climbed_to_its_top(
        self, key: str, parameters: dict[str, str]
    ) -> None:
        definition = shipped()[key].definition
        simulation = run(key, parameters, People.never)
        assert simulation.ended_by in (EndedBy.outcome, EndedBy.at_rest)
        for step in simulation.state.steps:
            ladder = ladder_of(definition, step_of(definition, step.key))
            if step.status in CLOSED or step.breached_at is None or ladder is None:
                continue
            assert step.levels_fired == len(ladder.levels)
        escalated = told(simulation, Escalate)
        assert escalated
        assert all(to for _, _, to in escalated)

    @pytest.mark.parametrize("people", list(People))
    def test_nothing_is_refused_or_late_and_numbers_have_no_gaps(
        self, key: str, parameters: dict[str, str], people: People
    ) -> None:
        simulation = run(key, parameters, people)
        assert [line.message for line in simulation.lines if line.refused] == []
        assert [line.number for line in simulation.lines] == list(range(len(simulation.lines)))
        assert not any(line.late for line in simulation.lines)
        ids = [line.event.id for line in simulation.lines]
        assert len(set(ids)) == len(ids)
        for line in simulation.lines:
            by_itself = isinstance(line.event.body, DeadlinePassed)
            assert line.event.id.startswith("deadline:") is by_itself

    def test_at_its_end_nothing_is_open(self, key: str, parameters: dict[str, str]) -> None:
        simulation = run(key, parameters, People.on_time)
        assert simulation.state.status is ExecutionStatus.ended
        assert all(step.status in CLOSED for step in simulation.state.steps)
        assert any(step.status is StepStatus.completed for step in simulation.state.steps)

    def test_the_whole_life_takes_well_under_a_second(
        self, key: str, parameters: dict[str, str]
    ) -> None:
        begun = time.process_time()
        simulation = run(key, parameters, People.late)
        assert time.process_time() - begun < 0.5
        assert simulation.state.last_at - START > timedelta(days=1)


def test_an_alert_that_nobody_knows_is_refused_at_the_start() -> None:
    with pytest.raises(Refused) as refused:
        run("critical-alert", {"alert": "earthquake"}, People.on_time)
    assert refused.value.code == "parameter_invalid"


def test_an_account_that_recovered_too_early_and_fell_again_is_a_failure() -> None:
    score = "health.score"
    script = Script(
        (
            Action("day 55 10:00", Do.fields, fields={score: 75}),
            Action("day 60 10:00", Do.fields, fields={score: 65}),
            Action("day 64 10:00", Do.complete, "share-learnings"),
        )
    )
    subject = SimulatedSubject(FIELDS, TEAM, plain_calendar(), {})
    found = simulate(shipped()["at-risk-intervention"].definition, subject, START, script)
    statuses = {step.key: step.status for step in found.state.steps}
    assert statuses["week-8-decision"] is StepStatus.not_needed
    assert (found.state.outcome, found.state.outcome_code) == (OutcomeKind.failure, "fell_again")
