"""The day of a date as fields carry it, by one rule for Python and for SQL.

Narrower than Python's own reading of ISO 8601, of which PostgreSQL knows another part: a day
"2026-11-22", or an instant "2026-11-22T13:00:00.5+01:00", "T" or a blank between; what has no
offset is UTC. From 1900 to 2199; anything else is an impossible date, and so no data.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_DAY = r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OFFSET = r"[+-](0[0-9]|1[0-4])(:[0-5][0-9])?"

INSTANT_PATTERN = rf"^{_DAY}[T ]{_TIME}(Z|{_OFFSET})?$"
"""What an instant looks like; understood alike by Python and PostgreSQL."""

_BARE = re.compile(rf"{_DAY}\Z", re.ASCII)
_INSTANT = re.compile(INSTANT_PATTERN.removesuffix("$") + r"\Z", re.ASCII)


def day_of(value: object) -> date | None:
    """The day in UTC, None where the value is no date."""
    if not isinstance(value, str):
        return None
    try:
        if _BARE.match(value):
            return date.fromisoformat(value)
        if _INSTANT.match(value):
            instant = datetime.fromisoformat(value)
            return (instant.astimezone(UTC) if instant.tzinfo else instant).date()
    except ValueError:
        pass
    return None
