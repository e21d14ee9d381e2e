"""Calendar snapshots from the time zone database and the `holidays` package.

The domain reckons with a snapshot only (law 10); this is where one is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

from domain.calendars import CalendarSnapshot, OffsetChange, WorkingHours
from domain.errors import Invalid

LOOK_BACK = timedelta(days=400)
"""How far before its start a snapshot knows offsets and holidays: times "before" a date of the
subject, and work logged late, reach back. Our own choice."""

_PROBE = timedelta(hours=12)
"""Two changes that undo each other within this time would be missed; no zone plans such a thing."""

_MINUTES_A_DAY = 24 * 60


def snapshot(
    key: str,
    timezone: str,
    country: str | None,
    subdivision: str | None,
    hours: Iterable[WorkingHours],
    extra_holidays: Iterable[date],
    removed_holidays: Iterable[date],
    start: datetime,
    horizon_days: int = 800,
) -> CalendarSnapshot:
    """The calendar from 400 days before `start` (aware UTC) until `horizon_days` after it.

    Public holidays of `country` (ISO 3166-1) and `subdivision`, with `extra_holidays` and without
    `removed_holidays`; the latter win. Raises Invalid with code `calendar_timezone_unknown`,
    `calendar_country_unknown`, `calendar_subdivision_unknown`, `calendar_hours` or
    `calendar_empty`.
    """
    zone = _zone(timezone)
    begin, horizon = start - LOOK_BACK, start + timedelta(days=horizon_days)
    first, last = begin.date() - timedelta(days=1), horizon.date() + timedelta(days=1)
    removed = set(removed_holidays)
    closed = {*_public_holidays(country, subdivision, first, last), *extra_holidays} - removed
    return CalendarSnapshot(
        key=key,
        timezone=timezone,
        offsets=tuple(_offset_changes(zone, begin, horizon)),
        hours=_checked_hours(hours),
        holidays=tuple(sorted(day for day in closed if first <= day <= last)),
        horizon=horizon,
    )


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            "Unknown time zone; use a name of the IANA database, as Europe/Berlin.",
            code="calendar_timezone_unknown",
            details={"timezone": timezone},
        ) from None


def _public_holidays(
    country: str | None, subdivision: str | None, first: date, last: date
) -> Iterable[date]:
    if country is None:
        if subdivision is not None:
            raise Invalid(
                "A subdivision needs its country; name both or neither.",
                code="calendar_subdivision_unknown",
                details={"subdivision": subdivision},
            )
        return ()
    supported = holidays.list_supported_countries(include_aliases=True)
    if country not in supported:
        raise Invalid(
            "Unknown country; use its ISO 3166-1 code, as DE, or none and list the holidays.",
            code="calendar_country_unknown",
            details={"country": country},
        )
    try:
        return holidays.country_holidays(
            country, subdiv=subdivision, years=range(first.year, last.year + 1)
        )
    except NotImplementedError:
        raise Invalid(
            "Unknown subdivision; use one of: " + ", ".join(supported[country]) + ".",
            code="calendar_subdivision_unknown",
            details={"country": country, "subdivision": subdivision},
        ) from None


def _checked_hours(hours: Iterable[WorkingHours]) -> tuple[WorkingHours, ...]:
    checked = tuple(sorted(hours, key=lambda one: (one.weekday, one.opens, one.closes)))
    if not checked:
        raise Invalid(
            "A calendar needs working hours on at least one weekday.", code="calendar_empty"
        )
    for one in checked:
        if not (0 <= one.weekday <= 6 and 0 <= one.opens < one.closes <= _MINUTES_A_DAY):
            raise Invalid(
                "Working hours open before they close, within one day (0 to 1440 minutes) of a "
                "weekday from 0 (Monday) to 6; write a night shift as two.",
                code="calendar_hours",
                details={"weekday": one.weekday, "opens": one.opens, "closes": one.closes},
            )
    return checked


def _offset_changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterable[OffsetChange]:
    """The offset at `begin`, then every change until `end`, each at its exact second."""
    begin = begin.replace(microsecond=0)
    offset = _offset(zone, begin)
    yield OffsetChange(begin, offset)
    before = begin
    while before < end:
        after = before + _PROBE
        if _offset(zone, after) != offset:
            at = _moment_of_change(zone, before, after)
            offset = _offset(zone, at)
            yield OffsetChange(at, offset)
            before = at
        else:
            before = after


def _moment_of_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first whole second in (before, after] whose offset differs from that at `before`."""
    offset = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(UTC).astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo always answers
    return int(offset.total_seconds())
