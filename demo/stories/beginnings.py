"""When stories began, counted back from the load."""

from __future__ import annotations

from datetime import datetime, timedelta

from demo.story import Began
from domain.calendars import CalendarSnapshot, add, is_working
from domain.playbook.definition import Duration, Unit

AT_RISK = "at-risk-intervention"
WEEK = timedelta(weeks=1)
_ONE_HOUR = timedelta(hours=1)


def ago(days: float = 0, hours: float = 0, minutes: float = 0) -> Began:
    """Exactly this long before the load."""
    return lambda now, _: now - timedelta(days=days, hours=hours, minutes=minutes)


def before(**units: float) -> timedelta:
    return timedelta(**units)


def in_office(days: float) -> Began:
    """The last working instant that is at least this long ago."""

    def began(now: datetime, calendar: CalendarSnapshot) -> datetime:
        at = now - timedelta(days=days)
        while not is_working(at, calendar):
            at -= timedelta(minutes=30)
        return at

    return began


def overdue_by(business_days: int, due_after: timedelta) -> Began:
    """So that what falls due `due_after` the beginning has been overdue for these business days
    and an hour, and not for many more."""

    def began(now: datetime, calendar: CalendarSnapshot) -> datetime:
        wait = Duration(business_days, Unit.business_day)
        due = now - _ONE_HOUR
        while add(due, wait, calendar) > now - _ONE_HOUR:
            due -= _ONE_HOUR
        return due - due_after

    return began
