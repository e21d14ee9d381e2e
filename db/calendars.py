"""The calendar of an execution, at its start and when it is renewed: a snapshot (law 10)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

import orjson
from sqlalchemy import Uuid, bindparam, func, select

from db.models.calendars import Calendar
from db.requests import Clock, database_clock
from db.sessions import ReadSession
from domain.calendars import CalendarSnapshot, WorkingHours, plain_calendar
from runtime.calendars import snapshot

_NOW_AND_DEFAULT = (
    select(func.clock_timestamp(), Calendar)
    .select_from(select(1).subquery())
    .outerjoin(Calendar, (Calendar.org_id == bindparam("org", type_=Uuid())) & Calendar.is_default)
)


async def clock_and_calendar(
    session: ReadSession, clock: Clock = database_clock
) -> tuple[datetime, CalendarSnapshot]:
    """The instant by `clock`, and the organization's default calendar from that day on.

    An organization that has set none gets `plain_calendar`: Monday to Friday, nine to five, UTC.
    """
    now, row = (
        await session.execute(
            select(func.clock_timestamp(), Calendar)
            .select_from(select(1).subquery())
            .outerjoin(Calendar, (Calendar.org_id == session.scope.org) & Calendar.is_default)
        )
    ).one()
    now = clock(now)
    return now, plain_calendar() if row is None else snapshot_of(row, now)


def snapshot_of(calendar: Calendar, now: datetime) -> CalendarSnapshot:
    """A snapshot of a stored calendar; equal calendars of one day share one."""
    content = orjson.dumps([calendar.hours, calendar.holidays, calendar.workdays])
    return _made(
        calendar.key,
        calendar.timezone,
        calendar.country,
        calendar.subdivision,
        content,
        now.astimezone(UTC).date(),
    )


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
