"""The calendar of an execution, at its start and when it is renewed: a snapshot (law 10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Uuid, bindparam, func, literal_column, select

from db.bulk import table_of
from db.models.calendars import Calendar
from db.prepared import Prepared
from db.requests import Clock, database_clock
from db.sessions import ReadSession
from domain.calendars import CalendarSnapshot, WorkingHours, plain_calendar
from runtime.calendars import snapshot

_C = table_of(Calendar).c
_NOW_AND_DEFAULT = Prepared(
    select(
        func.clock_timestamp(),
        _C.key,
        _C.timezone,
        _C.country,
        _C.subdivision,
        _C.hours,
        _C.holidays,
        _C.workdays,
    )
    .select_from(select(literal_column("1").label("one")).subquery())
    .outerjoin(table_of(Calendar), (_C.org_id == bindparam("org", type_=Uuid())) & _C.is_default)
)


async def clock_and_calendar(
    session: ReadSession, clock: Clock = database_clock
) -> tuple[datetime, CalendarSnapshot]:
    """The instant by `clock`, and the organization's default calendar from that day on.

    An organization that has set none gets `plain_calendar`: Monday to Friday, nine to five, UTC.
    """
    [(at, *columns)] = await session.ask(_NOW_AND_DEFAULT, {"org": session.scope.org})
    now = clock(at)
    return now, snapshot_of(columns if columns[0] is not None else None, now)


def snapshot_of(columns: Sequence[Any] | None, now: datetime) -> CalendarSnapshot:
    """A snapshot of a calendar's key, timezone, country, subdivision, hours, holidays and
    workdays; equal calendars of one day share one. None is `plain_calendar`."""
    if columns is None:
        return plain_calendar()
    key, timezone, country, subdivision, *content = columns
    day = now.astimezone(UTC).date()
    return _made(key, timezone, country, subdivision, orjson.dumps(content), day)


@lru_cache(maxsize=200)
def _made(
    key: str,
    timezone: str,
    country: str | None,
    subdivision: str | None,
    content: bytes,
    day: date,
) -> CalendarSnapshot:
    hours, holidays, workdays = orjson.loads(content)
    return snapshot(
        key,
        timezone,
        country,
        subdivision,
        [WorkingHours(h["weekday"], h["opens"], h["closes"]) for h in hours],
        [date.fromisoformat(day_) for day_ in holidays],
        [date.fromisoformat(day_) for day_ in workdays],
        datetime(day.year, day.month, day.day, tzinfo=UTC),
    )
