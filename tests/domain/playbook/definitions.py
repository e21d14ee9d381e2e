"""Factories of definitions, so that a test says only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from domain.calendars import CalendarSnapshot, OffsetChange, WorkingHours
from domain.playbook.definition import (
    Anchor,
    Choice,
    Compare,
    Definition,
    Duration,
    EvidenceField,
    EvidenceType,
    Exit,
    HandOff,
    Ladder,
    LadderLevel,
    Op,
    OutcomeKind,
    Outgoing,
    Phase,
    Recipient,
    RecipientKind,
    Role,
    Step,
    StepIs,
    StepKind,
    Subject,
    Survey,
    TimeSpec,
    Unit,
    Value,
    Wait,
)
from domain.playbook.events import Actor

CSM = Actor("anna", (Role.csm,))
OTHER_CSM = Actor("ben", (Role.csm,))
MANAGER = Actor("marc", (Role.account_manager,))
DIRECTOR = Actor("dora", (Role.director,))
OTHER_DIRECTOR = Actor("dan", (Role.director,))
AUDITOR = Actor("audrey", (Role.auditor,))

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = datetime(2029, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- times --------------------------------------------------------------------------------


def minutes(amount: int) -> Duration:
    return Duration(amount, Unit.minute)


def hours(amount: int) -> Duration:
    return Duration(amount, Unit.hour)


def days(amount: int) -> Duration:
    return Duration(amount, Unit.day)


def weeks(amount: int) -> Duration:
    return Duration(amount, Unit.week)


def business_hours(amount: int) -> Duration:
    return Duration(amount, Unit.business_hour)


def business_days(amount: int) -> Duration:
    return Duration(amount, Unit.business_day)


def after(anchor: Anchor, offset: Duration, ref: str | None = None) -> TimeSpec:
    return TimeSpec(offset, anchor, ref=ref)


def before(anchor: Anchor, offset: Duration, ref: str | None = None) -> TimeSpec:
    return TimeSpec(offset, anchor, before=True, ref=ref)


def within(offset: Duration) -> TimeSpec:
    """Due so long after its own opening."""
    return TimeSpec(offset, Anchor.opening)


def berlin(*holidays: str) -> CalendarSnapshot:
    """Monday to Friday, 09:00 to 17:00 in Berlin, with the clock changes of 2026."""
    return CalendarSnapshot(
        key="berlin",
        timezone="Europe/Berlin",
        offsets=(
            OffsetChange(EARLY, 3600),
            OffsetChange(utc("2026-03-29 01:00"), 7200),
            OffsetChange(utc("2026-10-25 01:00"), 3600),
        ),
        hours=tuple(WorkingHours(weekday, 9 * 60, 17 * 60) for weekday in range(5)),
        holidays=tuple(date.fromisoformat(day) for day in holidays),
        horizon=HORIZON,
    )


# --- conditions ---------------------------------------------------------------------------


def above(value: float, field: str = "health.score") -> Compare:
    return Compare(field, Op.above, value)


def is_(field: str, value: Value) -> Compare:
    return Compare(field, Op.equals, value)


def chosen(step: str, choice: str) -> StepIs:
    return StepIs(step, "choice", choice)


# --- steps --------------------------------------------------------------------------------


def task(key: str, **changes: Any) -> Step:
    return replace(Step(key, key.capitalize(), StepKind.task, Role.csm), **changes)


def decision(key: str, *choices: str, **changes: Any) -> Step:
    options = tuple(Choice(choice, choice.capitalize()) for choice in choices)
    return task(key, kind=StepKind.branch, choices=options, **changes)


def approval(key: str, **changes: Any) -> Step:
    return task(key, kind=StepKind.approval, **{"approver": Role.director, **changes})


def hand_off(key: str, accept_within: Duration, **changes: Any) -> Step:
    to = HandOff(Role.account_manager, accept_within)
    return task(key, kind=StepKind.hand_off, hand_off=to, **changes)


def survey(key: str, reminder: Duration | None, closes: Duration, **changes: Any) -> Step:
    return task(key, kind=StepKind.survey, survey=Survey("nps", reminder, closes), **changes)


def wait(key: str, **how: Any) -> Step:
    return task(key, kind=StepKind.wait, wait=Wait(**how))


def webhook(key: str, *, waits: bool, **changes: Any) -> Step:
    outgoing = Outgoing("at_risk", waits_for_result=waits)
    return task(key, kind=StepKind.webhook, outgoing=outgoing, **changes)


def evidence(key: str, kind: EvidenceType, **changes: Any) -> EvidenceField:
    return replace(EvidenceField(key, kind, key.capitalize()), **changes)


# --- ladders, exits, playbooks ------------------------------------------------------------


def level(
    offset: Duration, *roles: Role, takes_over: Role | None = None, urgent: bool = True
) -> LadderLevel:
    """Tells these roles, or who holds the step where none is named."""
    tell = tuple(Recipient(RecipientKind.role, role) for role in roles)
    return LadderLevel(offset, tell or (Recipient(RecipientKind.assignee),), takes_over, urgent)


def ladder(*levels: LadderLevel, acknowledged_for: Duration | None = None) -> Ladder:
    return Ladder("ladder", levels, acknowledged_for or hours(4))


LADDER = ladder(
    level(hours(0)),
    level(hours(24), Role.director),
    level(hours(72), Role.director, Role.executive, takes_over=Role.director),
)


def success(code: str = "recovered", **parts: Any) -> Exit:
    return Exit(OutcomeKind.success, code, **parts)


def failure(code: str, **parts: Any) -> Exit:
    return Exit(OutcomeKind.failure, code, **parts)


def phase(
    key: str, *steps: Step, starts: Duration | None = None, ends: Duration | None = None
) -> Phase:
    return Phase(key, key.capitalize(), steps, starts, ends)


def playbook(*phases: Phase, exits: tuple[Exit, ...] = (), **changes: Any) -> Definition:
    """With the ladder above for every step that is due, and for the rest only what is said."""
    definition = Definition(
        key="rescue",
        name="Rescue",
        subject=Subject.account,
        owner=Role.csm,
        summary="Made for a test.",
        phases=phases,
        exits=exits,
        ladders=(LADDER,),
        escalation="ladder",
    )
    return replace(definition, **changes)


def of_steps(*steps: Step, exits: tuple[Exit, ...] = (), **changes: Any) -> Definition:
    """One phase that begins with the execution and has no end."""
    return playbook(phase("work", *steps), exits=exits, **changes)
