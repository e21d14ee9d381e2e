"""From "48 hours after phase start" to an instant. All instants are aware UTC datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.calendars import CalendarSnapshot, add, subtract, utc_of
from domain.playbook.definition import Anchor, Duration, Step, TimeSpec, Unit, Value
from domain.playbook.draft import Draft, phase_of
from domain.playbook.state import StepState

IMMEDIATELY = Duration(0, Unit.minute)


def resolve(draft: Draft, step: Step, spec: TimeSpec, opening: datetime | None) -> datetime | None:
    """The instant a time means now; None while its anchor has no instant (a date not known)."""
    anchor = _anchor(draft, step, spec, opening)
    if anchor is None:
        return None
    shift = subtract if spec.before else add
    return shift(anchor, spec.offset, draft.state.calendar)


def _anchor(draft: Draft, step: Step, spec: TimeSpec, opening: datetime | None) -> datetime | None:
    match spec.anchor:
        case Anchor.start:
            return draft.state.started_at + timedelta(seconds=draft.state.paused_for)
        case Anchor.phase_start:
            return draft.phases[phase_of(draft.definition, step.key).key].starts_at
        case Anchor.phase_end:
            return draft.phases[phase_of(draft.definition, step.key).key].ends_at
        case Anchor.opening:
            return opening
        case Anchor.step:
            closed = [s.closed_at for s in draft.occurrences(spec.ref or "") if s.closed_at]
            return max(closed) if closed and draft.is_closed(spec.ref or "") else None
        case Anchor.field:
            value = draft.readable_fields().get(spec.ref or "")
            return instant_of_field(value, draft.state.calendar)


def instant_of_field(value: Value, calendar: CalendarSnapshot) -> datetime | None:
    """A date field as an instant: a bare date is its local midnight; anything else is no data."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    if len(value) == len("2026-11-22"):
        return utc_of(parsed, calendar)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def due_of(draft: Draft, step: Step, opening: datetime) -> datetime | None:
    """When a step that opens then is due: never before its opening."""
    if step.due is None:
        return None
    due = resolve(draft, step, step.due, opening)
    return None if due is None else max(due, opening)


def escalates_at(
    calendar: CalendarSnapshot, due_at: datetime, after: Duration, state: StepState
) -> datetime:
    """When a ladder level fires, held back by acknowledgements."""
    return add(due_at, after, calendar) + timedelta(seconds=state.ladder_shift)
