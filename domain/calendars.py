"""Business time as arithmetic over a snapshot (law 10). No time zone database, no clock.

All instants in and out are aware UTC datetimes. Working time is half open: the instant of opening
is working, the instant of closing is not. Local time is reckoned from the snapshot's offsets:

- before the first offset change, the first change's offset counts;
- a local time that a clock skipped (spring) means the instant of the change;
- a local time that a clock showed twice (autumn) means its first passing.

Both rules keep the order of local times, so no working day is ever turned inside out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from domain.errors import Invalid
from domain.playbook.definition import Duration, Unit


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """From `at` on, local time is UTC plus `offset` seconds."""

    at: datetime
    offset: int


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Minutes from local midnight, of one weekday (Monday is 0)."""

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class CalendarSnapshot:
    """What business time needs, up to `horizon`; made outside the domain, renewed by an event."""

    key: str
    timezone: str
    offsets: tuple[OffsetChange, ...]
    hours: tuple[WorkingHours, ...]
    holidays: tuple[date, ...]
    horizon: datetime


def plain_calendar() -> CalendarSnapshot:
    """The default where an organization has set none: UTC, Monday to Friday 09:00-17:00.

    No holidays; horizon at the start of the year 2100. The hours are our own choice.
    """
    return CalendarSnapshot(
        key="plain",
        timezone="UTC",
        offsets=(OffsetChange(_EARLIEST, 0),),
        hours=tuple(WorkingHours(weekday, 9 * 60, 17 * 60) for weekday in range(5)),
        holidays=(),
        horizon=datetime(2100, 1, 1, tzinfo=UTC),
    )


_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Arithmetic backwards ends here, so that a hostile amount cannot count for ever."""

_ELAPSED: dict[Unit, timedelta] = {
    Unit.minute: timedelta(minutes=1),
    Unit.hour: timedelta(hours=1),
    Unit.day: timedelta(days=1),
    Unit.week: timedelta(weeks=1),
}


# --- local time ---------------------------------------------------------------------------


def local(instant: datetime, calendar: CalendarSnapshot) -> datetime:
    """The naive local time at an instant. Raises Invalid `calendar_horizon` past the horizon."""
    known = _within(instant, calendar)
    return (known + timedelta(seconds=_offset(known, calendar))).replace(tzinfo=None)


def utc_of(local_time: datetime, calendar: CalendarSnapshot) -> datetime:
    """The instant of a naive local time; skipped and repeated times by the rules above.

    Raises Invalid `calendar_horizon` past the horizon.
    """
    return _within(_instant_of(local_time, calendar), calendar)


def _instant_of(local_time: datetime, calendar: CalendarSnapshot) -> datetime:
    as_utc = local_time.replace(tzinfo=UTC)
    changes = calendar.offsets
    instant = as_utc
    for position, change in enumerate(changes):
        instant = as_utc - timedelta(seconds=change.offset)
        if position > 0:
            instant = max(instant, change.at)
        if position + 1 == len(changes) or instant < changes[position + 1].at:
            break
    return instant


def _offset(instant: datetime, calendar: CalendarSnapshot) -> int:
    offset = calendar.offsets[0].offset if calendar.offsets else 0
    for change in calendar.offsets:
        if change.at > instant:
            break
        offset = change.offset
    return offset


# --- working time -------------------------------------------------------------------------


def is_working(instant: datetime, calendar: CalendarSnapshot) -> bool:
    """Whether the instant lies in working hours of a working day."""
    return any(
        opens <= instant < closes
        for opens, closes in _day_spans(local(instant, calendar).date(), calendar)
    )


def next_working_instant(instant: datetime, calendar: CalendarSnapshot) -> datetime:
    """The instant itself where it is working, else the next opening.

    Raises Invalid `calendar_empty` without any hours, `calendar_horizon` past the horizon.
    """
    for opens, closes in _spans_from(instant, calendar):
        if instant < closes:
            return _within(max(instant, opens), calendar)
    raise _past_horizon(calendar)


def working_seconds(a: datetime, b: datetime, calendar: CalendarSnapshot) -> float:
    """Open seconds from `a` to `b`; negative where `b` is before `a`; 0 without any hours."""
    if b < a:
        return -working_seconds(b, a, calendar)
    total = timedelta(0)
    day, last = local(a, calendar).date(), local(b, calendar).date()
    while day <= last:
        for opens, closes in _day_spans(day, calendar):
            total += max(min(b, closes) - max(a, opens), timedelta(0))
        day += timedelta(days=1)
    return total.total_seconds()


# --- arithmetic ---------------------------------------------------------------------------


def add(instant: datetime, duration: Duration, calendar: CalendarSnapshot) -> datetime:
    """The instant that lies `duration` later.

    Elapsed units are exact seconds and need no calendar. Business units first move an instant
    outside working time to the next opening; 0 of them is that opening. Business hours count open
    time only, and end at the earliest instant that completes the count: a closing rather than the
    next opening. Business days come to the same local clock time that many working days on, held
    to that day's hours: past its last closing becomes the closing, within a break its end.

    Raises Invalid `calendar_empty` without any hours, `calendar_horizon` past the horizon.
    """
    if duration.unit in _ELAPSED:
        return _elapsed(instant, duration, 1)
    begin = next_working_instant(instant, calendar)
    if duration.amount == 0:
        return begin
    if duration.unit is Unit.business_hour:
        return _later_by_open_time(begin, timedelta(hours=duration.amount), calendar)
    at = local(begin, calendar)
    day = at.date()
    for _ in range(duration.amount):
        day = _working_day(day + timedelta(days=1), 1, calendar)
    return _held_to_hours(day, at.time(), calendar, forwards=True)


def subtract(instant: datetime, duration: Duration, calendar: CalendarSnapshot) -> datetime:
    """The instant that lies `duration` earlier; the mirror of `add`.

    Business units first move an instant outside working time (here a closing counts as inside)
    back to the closing before it; 0 of them is that closing. Business hours end at the latest
    instant that completes the count: an opening rather than the closing before it. Business days
    come to the same local clock time, within a break to its beginning.

    Raises Invalid `calendar_empty` without any hours, `calendar_horizon` past the horizon or
    before 1970.
    """
    if duration.unit in _ELAPSED:
        return _elapsed(instant, duration, -1)
    begin = _last_working_instant(instant, calendar)
    if duration.amount == 0:
        return begin
    if duration.unit is Unit.business_hour:
        return _earlier_by_open_time(begin, timedelta(hours=duration.amount), calendar)
    at = local(begin, calendar)
    day = at.date()
    for _ in range(duration.amount):
        day = _working_day(day - timedelta(days=1), -1, calendar)
    return _held_to_hours(day, at.time(), calendar, forwards=False)


def _elapsed(instant: datetime, duration: Duration, sign: int) -> datetime:
    try:
        return instant + sign * duration.amount * _ELAPSED[duration.unit]
    except OverflowError:
        raise Invalid(
            f"{duration.amount} {duration.unit}s lead out of the calendar; use a shorter time.",
            code="calendar_horizon",
        ) from None


def _later_by_open_time(instant: datetime, left: timedelta, calendar: CalendarSnapshot) -> datetime:
    for opens, closes in _spans_from(instant, calendar):
        begin = max(instant, opens)
        if begin >= closes:
            continue
        if begin + left <= closes:
            return _within(begin + left, calendar)
        left -= closes - begin
    raise _past_horizon(calendar)


def _earlier_by_open_time(
    instant: datetime, left: timedelta, calendar: CalendarSnapshot
) -> datetime:
    for opens, closes in _spans_back_from(instant, calendar):
        end = min(instant, closes)
        if end <= opens:
            continue
        if end - left >= opens:
            return end - left
        left -= end - opens
    raise _past_horizon(calendar)


def _last_working_instant(instant: datetime, calendar: CalendarSnapshot) -> datetime:
    for opens, closes in _spans_back_from(instant, calendar):
        if opens <= instant:
            return min(instant, closes)
    raise _past_horizon(calendar)


def _held_to_hours(
    day: date, clock: time, calendar: CalendarSnapshot, *, forwards: bool
) -> datetime:
    spans = _day_spans(day, calendar)
    wanted = _instant_of(datetime.combine(day, clock), calendar)
    wanted = min(max(wanted, spans[0][0]), spans[-1][1])
    if forwards:
        held = next(max(wanted, opens) for opens, closes in spans if wanted <= closes)
    else:
        held = next(min(wanted, closes) for opens, closes in reversed(spans) if opens <= wanted)
    return _within(held, calendar)


# --- days and their spans -----------------------------------------------------------------

_Span = tuple[datetime, datetime]


def _weekday_windows(weekday: int, calendar: CalendarSnapshot) -> list[tuple[int, int]]:
    """Opening and closing minutes in order, overlapping ones joined, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(
        (hours.opens, hours.closes)
        for hours in calendar.hours
        if hours.weekday == weekday and hours.opens < hours.closes
    ):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined


def _day_spans(day: date, calendar: CalendarSnapshot) -> list[_Span]:
    """The open spans of a local day, as instants. A span that a clock change swallowed is gone."""
    if day in calendar.holidays:
        return []
    midnight = datetime.combine(day, time())
    spans: list[_Span] = []
    for opens, closes in _weekday_windows(day.weekday(), calendar):
        span = (
            _instant_of(midnight + timedelta(minutes=opens), calendar),
            _instant_of(midnight + timedelta(minutes=closes), calendar),
        )
        if span[0] < span[1]:
            spans.append(span)
    return spans


def _working_day(day: date, direction: int, calendar: CalendarSnapshot) -> date:
    """The nearest working day from `day` on, itself included."""
    while True:
        _check_day(day, calendar)
        if _day_spans(day, calendar):
            return day
        day += timedelta(days=direction)


def _spans_from(instant: datetime, calendar: CalendarSnapshot) -> Iterator[_Span]:
    """Spans in order, from the one that may hold the instant; ends by raising at the horizon."""
    _check_hours(calendar)
    day = local(instant, calendar).date()
    while True:
        day = _working_day(day, 1, calendar)
        yield from _day_spans(day, calendar)
        day += timedelta(days=1)


def _spans_back_from(instant: datetime, calendar: CalendarSnapshot) -> Iterator[_Span]:
    """Spans in backward order, from the one that may hold the instant."""
    _check_hours(calendar)
    day = local(instant, calendar).date()
    while True:
        day = _working_day(day, -1, calendar)
        yield from reversed(_day_spans(day, calendar))
        day -= timedelta(days=1)


def _check_hours(calendar: CalendarSnapshot) -> None:
    if not any(hours.opens < hours.closes for hours in calendar.hours):
        raise Invalid(
            f"Calendar {calendar.key} has no working hours; give it at least one.",
            code="calendar_empty",
        )


def _check_day(day: date, calendar: CalendarSnapshot) -> None:
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    first = midnight - timedelta(seconds=_offset(midnight, calendar))
    if first > calendar.horizon or midnight < _EARLIEST:
        raise _past_horizon(calendar)


def _within(instant: datetime, calendar: CalendarSnapshot) -> datetime:
    if instant > calendar.horizon:
        raise _past_horizon(calendar)
    return instant


def _past_horizon(calendar: CalendarSnapshot) -> Invalid:
    return Invalid(
        f"Calendar {calendar.key} is known up to {calendar.horizon:%Y-%m-%d} only; "
        "renew its snapshot or use a shorter time.",
        code="calendar_horizon",
    )
