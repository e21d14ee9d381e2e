"""What falls due by itself, read off the state: nothing is stored twice, nothing is scheduled.

A deadline's id is its key and generation (law 2), so it is applied once, whoever settles it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from domain.calendars import add, subtract
from domain.conditions import turns_after
from domain.errors import Invalid
from domain.playbook.definition import Condition, Definition, Step
from domain.playbook.draft import ladder_of, readable_fields, step_of
from domain.playbook.state import (
    ENGINE_REVISION,
    ExecutionStatus,
    State,
    StepState,
    StepStatus,
)
from domain.playbook.times import escalates_at


class Rank(IntEnum):
    """Order of deadlines of one instant: what begins comes first, a breach before its ladder."""

    phase = 0
    opening = 1
    follow_up = 2
    waiver = 3
    close = 4
    reminder = 5
    breach = 6
    ladder = 7
    held = 8
    turn = 9


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant at which the state has to move. `subject` is a step reference or a key."""

    at: datetime
    rank: Rank
    key: str
    generation: int
    name: str
    subject: str
    occurrence: int = 0

    @property
    def event_id(self) -> str:
        return f"deadline:{self.key}:{self.generation}"


def deadlines(definition: Definition, state: State) -> list[Deadline]:
    """Every deadline of a running execution, earliest first; none while paused or ended.

    Raises Invalid `engine_too_old` where a newer revision made the state (law 6).
    """
    require_known_engine(state)
    if state.status is not ExecutionStatus.running:
        return []
    found = [*_of_phases(state), *_of_exits(definition, state), *_of_turns(definition, state)]
    for step in state.steps:
        found.extend(_of_step(definition, state, step))
    return sorted(found, key=lambda d: (d.at, d.rank, d.key))


def require_known_engine(state: State) -> None:
    """A process that meets a newer engine revision leaves the work to others."""
    if state.engine > ENGINE_REVISION:
        raise Invalid(
            "A newer Holdfast runs this execution; leave it to a process of that version.",
            code="engine_too_old",
        )


def next_deadline(definition: Definition, state: State) -> datetime | None:
    """The earliest instant at which it moves by itself; None where it waits for people."""
    found = deadlines(definition, state)
    return found[0].at if found else None


def _of_phases(state: State) -> Iterator[Deadline]:
    for phase in state.phases:
        if not phase.started and phase.starts_at is not None:
            key = f"phase:{phase.key}"
            yield Deadline(phase.starts_at, Rank.phase, key, phase.generation, "phase", phase.key)


def _of_exits(definition: Definition, state: State) -> Iterator[Deadline]:
    for rule in definition.exits:
        since = state.held_since.get(rule.code)
        if rule.held_for is None or since is None or rule.code in state.held_passed:
            continue
        at = add(since, rule.held_for, state.calendar)
        generation = int(since.timestamp())
        yield Deadline(at, Rank.held, f"held:{rule.code}", generation, "held", rule.code)


def _of_turns(definition: Definition, state: State) -> Iterator[Deadline]:
    """When time alone next turns a condition that is being waited for ("older than 30 days")."""
    fields = readable_fields(state)
    turns = [
        at
        for condition in _watched(definition, state)
        for at in (turns_after(condition, fields, state.last_at),)
        if at is not None
    ]
    if turns:
        at = min(turns)
        yield Deadline(at, Rank.turn, "turn", int(at.timestamp()), "turn", "turn")


def _watched(definition: Definition, state: State) -> Iterator[Condition]:
    for rule in definition.exits:
        if rule.when is not None:
            yield rule.when
    for step in state.steps:
        if step.status is StepStatus.open:
            wait = step_of(definition, step.key).wait
            if wait is not None and wait.condition is not None:
                yield wait.condition


class Make(Protocol):
    """Makes a deadline of one step."""

    def __call__(self, at: datetime, rank: Rank, name: str, suffix: str = "") -> Deadline: ...


def _of_step(definition: Definition, state: State, step: StepState) -> Iterator[Deadline]:
    ref = f"{step.key}#{step.occurrence}"

    def deadline(at: datetime, rank: Rank, name: str, suffix: str = "") -> Deadline:
        key = f"{name}:{ref}{suffix}"
        return Deadline(at, rank, key, step.generation, name, step.key, step.occurrence)

    match step.status:
        case StepStatus.scheduled:
            if step.opens_at is not None:
                yield deadline(step.opens_at, Rank.opening, "open")
        case StepStatus.waiting:
            if step.waiting is not None:
                yield deadline(step.waiting.follow_up_at, Rank.follow_up, "follow-up")
            yield from _of_survey(step, deadline)
        case StepStatus.waived:
            known = any(rules.key == step.key for rules in definition.steps())
            if known and step.waiver is not None and step.waiver.expires_at is not None:
                yield deadline(step.waiver.expires_at, Rank.waiver, "waiver-expiry")
        case StepStatus.open | StepStatus.offered:
            yield from _of_survey(step, deadline)
            yield from _of_sla(definition, state, step, deadline)
        case _:
            return


def _of_survey(step: StepState, deadline: Make) -> Iterator[Deadline]:
    """The limit and the reminder of what a customer, or a wait, is given; no clock of ours."""
    if step.closes_at is not None:
        yield deadline(step.closes_at, Rank.close, "close")
    if step.reminder_at is not None:
        yield deadline(step.reminder_at, Rank.reminder, "survey-reminder")


def _of_sla(
    definition: Definition, state: State, step: StepState, deadline: Make
) -> Iterator[Deadline]:
    if step.due_at is None:
        return
    rules = step_of(definition, step.key)
    if step.breached_at is None:
        yield deadline(step.due_at, Rank.breach, "breach")
        reminder = next_reminder(rules, state, step)
        if reminder is not None:
            index, at = reminder
            yield deadline(at, Rank.reminder, "remind", f":{index}")
        return
    ladder = ladder_of(definition, rules)
    if ladder is not None and step.levels_fired < len(ladder.levels):
        level = ladder.levels[step.levels_fired]
        at = escalates_at(state.calendar, step.due_at, level.after, step)
        yield deadline(at, Rank.ladder, "escalate", f":{step.levels_fired + 1}")


def next_reminder(rules: Step, state: State, step: StepState) -> tuple[int, datetime] | None:
    """The next reminder to tell; those that would come before the step opened are left out."""
    if step.due_at is None or step.opened_at is None or step.status is StepStatus.offered:
        return None
    for index in range(step.reminders_told, len(rules.reminders)):
        at = subtract(step.due_at, rules.reminders[index], state.calendar)
        if at > step.opened_at:
            return index, at
    return None
