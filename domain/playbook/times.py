"""From "48 hours after phase start" to an instant. All instants are aware UTC datetimes."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.calendars import CalendarSnapshot, add, subtract, utc_of
from domain.conditions import instant_of, is_bare_date
from domain.errors import Invalid
from domain.playbook.definition import Anchor, Duration, Step, TimeSpec, Value
from domain.playbook.draft import Draft, phase_of
from domain.playbook.state import Pause, StepState

COUNTED_FROM_BEHIND = frozenset({Anchor.start, Anchor.phase_start, Anchor.step, Anchor.opening})
"""Anchors that lie in the past once they are known."""


def resolve(draft: Draft, step: Step, spec: TimeSpec, opening: datetime | None) -> datetime | None:
    """The instant a time means now; None while its anchor has no instant (a date not known).

    A date of the account that leads past the calendar's horizon counts as not known: data must
    not stop an execution, and a renewed calendar looks again.
    """
    anchor = _anchor(draft, step, spec, opening)
    if anchor is None:
        return None
    shift = subtract if spec.before else add
    try:
        return shift(anchor, spec.offset, draft.state.calendar)
    except Invalid:
        if spec.anchor is Anchor.field:
            return None
        raise


def _anchor(draft: Draft, step: Step, spec: TimeSpec, opening: datetime | None) -> datetime | None:
    match spec.anchor:
        case Anchor.start:
            return after_pauses(draft.state.started_at, draft.state.pauses)
        case Anchor.phase_start:
            phase = draft.phases[phase_of(draft.definition, step.key).key]
            if phase.starts_at is None or not phase.started:
                return phase.starts_at
            return after_pauses(phase.starts_at, draft.state.pauses)
        case Anchor.phase_end:
            return draft.phases[phase_of(draft.definition, step.key).key].ends_at
        case Anchor.opening:
            return opening
        case Anchor.step:
            closed = [s.closed_at for s in draft.occurrences(spec.ref or "") if s.closed_at]
            if not closed or not draft.is_closed(spec.ref or ""):
                return None
            return after_pauses(max(closed), draft.state.pauses)
        case Anchor.field:
            value = draft.readable_fields().get(spec.ref or "")
            return instant_of_field(value, draft.state.calendar)


def after_pauses(anchor: datetime, pauses: tuple[Pause, ...]) -> datetime:
    """Moved by what of the pauses lies after it: relative times stand still meanwhile (law 12)."""
    lost = (p.until - max(p.since, anchor) for p in pauses if p.until > anchor)
    return anchor + sum(lost, timedelta(0))


def instant_of_field(value: Value, calendar: CalendarSnapshot) -> datetime | None:
    """A date field as an instant: a bare date is its local midnight; anything else is no data.

    A date past the calendar's horizon is no data yet.
    """
    at = instant_of(value)
    if at is None or not is_bare_date(value):
        return at
    try:
        return utc_of(at.replace(tzinfo=None), calendar)
    except (Invalid, OverflowError):  # past the horizon, or the calendar's first day
        return None


def due_of(draft: Draft, step: Step, opening: datetime) -> datetime | None:
    """When a step that opens then is due: never before its opening."""
    if step.due is None:
        return None
    due = resolve(draft, step, step.due, opening)
    return None if due is None else max(due, opening)


def due_again(draft: Draft, step: Step) -> datetime | None:
    """When a step that is worked on again is due.

    Its own rule where that still lies ahead; else its time counted from now. A date of the
    account or the end of a phase that has passed stays passed.
    """
    spec = step.due
    due = due_of(draft, step, draft.at)
    if spec is None or due is None or due > draft.at:
        return due
    if spec.before or spec.anchor not in COUNTED_FROM_BEHIND:
        return due
    return add(draft.at, spec.offset, draft.state.calendar)


def reminders_behind(
    step: Step, due_at: datetime | None, calendar: CalendarSnapshot, at: datetime
) -> int:
    """How many reminders of a due time lie at or before `at`: those are never told."""
    if due_at is None:
        return 0
    behind = [
        index + 1
        for index, before in enumerate(step.reminders)
        if subtract(due_at, before, calendar) <= at
    ]
    return max(behind, default=0)


def escalates_at(
    calendar: CalendarSnapshot, due_at: datetime, after: Duration, state: StepState
) -> datetime:
    """When a ladder level fires, held back by acknowledgements."""
    return add(due_at, after, calendar) + timedelta(seconds=state.ladder_shift)
