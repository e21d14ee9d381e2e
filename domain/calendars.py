"""Business time as arithmetic over a snapshot (law 10). No time zone database, no clock.

All instants in and out are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


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
