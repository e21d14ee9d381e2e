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
from domain.playbook.definition import Definition, Step
from domain.playbook.draft import ladder_of, step_of
from domain.playbook.state import ExecutionStatus, State, StepState, StepStatus
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
    """Every deadline of a running execution, earliest first; none while paused or ended."""
    if state.status is not ExecutionStatus.running:
        return []
    found = [*_of_phases(state), *_of_exits(definition, state)]
    for step in state.steps:
        found.extend(_of_step(definition, state, step))
    return sorted(found, key=lambda d: (d.at, d.rank, d.key))


def next_deadline(definition: Definition, state: State) -> datetime | None:
    """The earliest instant at which it moves by itself; None where it waits for people."""
    found = deadlines(definition, state)
    return found[0].at if found else None


def _of_phases(state: State) -> Iterator[Deadline]:
    for phase in state.phases:
        if not phase.started and phase.starts_at is not None:
            yield Deadline(phase.starts_at, Rank.phase, f"phase:{phase.key}", 0, "phase", phase.key)


def _of_exits(definition: Definition, state: State) -> Iterator[Deadline]:
    for rule in definition.exits:
        since = state.held_since.get(rule.code)
        if rule.held_for is None or since is None or rule.code in state.held_passed:
            continue
        at = add(since, rule.held_for, state.calendar)
        generation = int(since.timestamp())
        yield Deadline(at, Rank.held, f"held:{rule.code}", generation, "held", rule.code)


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
        case StepStatus.waived:
            if step.waiver is not None and step.waiver.expires_at is not None:
                yield deadline(step.waiver.expires_at, Rank.waiver, "waiver-expiry")
        case StepStatus.open | StepStatus.offered:
            if step.closes_at is not None:
                yield deadline(step.closes_at, Rank.close, "close")
            if step.reminder_at is not None:
                yield deadline(step.reminder_at, Rank.reminder, "survey-reminder")
            yield from _of_sla(definition, state, step, deadline)
        case _:
            return


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
