"""The truth of a condition over what is known of a subject, at an instant.

Three truths: True, False, and None for "no data". A comparison has no data where its field has
no value or the wrong type (text against a number); it never raises. "all" is false as soon as
one part is false, "any" true as soon as one part is true; otherwise one part without data leaves
them without data; "not" of no data is no data. At the top no data counts as not true, so a
playbook never acts, and nothing is held (law 15), because something is missing.

`db/conditions.py` says the same in SQL, for all accounts at once. So that both agree to the last
value, numbers are compared as what JSON carries everywhere, binary64, and an instant is a text of
INSTANT_PATTERN, whatever else this Python's fromisoformat or this PostgreSQL would take.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from domain.playbook.definition import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Not,
    Op,
    StepIs,
    Value,
)

_MONTH_AND_DAY = (
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    "|(?:0[13578]|1[02])-31)"
)
_LEAP_DAY = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
INSTANT_PATTERN = (
    "(?!0000|0001-01-01.+[+]|9999-12-31.+-)"
    f"(?:[0-9]{{4}}-{_MONTH_AND_DAY}|{_LEAP_DAY})"
    "(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
    "(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)?)?"
)
"""The whole of a text that is an instant, in words that Python and PostgreSQL read alike.

"2026-11-22", or with a time "2026-11-22T13:00", to the second or with 1 to 9 digits of a fraction
(microseconds count, further digits are cut off), with "Z", an offset of at most 15:59 hours, or
none; a space may stand for the T. Years 1 to 9999; on the very first day no offset to the east
and on the very last none to the west, which would lead beyond them.
"""

MOST_DAYS = 4_000_000
"""Further apart are no two instants of the years 1 to 9999."""

_INSTANT = re.compile(INSTANT_PATTERN)

Fields = Mapping[str, Value]
StepFacts = Mapping[str, tuple[str | None, str | None]]
"""Step key to (choice, status) of its latest occurrence."""


def evaluate(condition: Condition, fields: Fields, steps: StepFacts, now: datetime) -> bool:
    """Whether the condition is true; no data counts as not true. `now` is aware UTC."""
    return truth(condition, fields, steps, now) is True


def truth(condition: Condition, fields: Fields, steps: StepFacts, now: datetime) -> bool | None:
    """True, False, or None where the data does not say. `now` is aware UTC."""
    match condition:
        case Compare():
            return _compare(condition, fields.get(condition.field), now)
        case StepIs():
            choice, status = steps.get(condition.step, (None, None))
            actual = choice if condition.attribute == "choice" else status
            return None if actual is None else actual == condition.value
        case AllOf():
            return _all(truth(part, fields, steps, now) for part in condition.conditions)
        case AnyOf():
            return _not(
                _all(_not(truth(part, fields, steps, now)) for part in condition.conditions)
            )
        case Not():
            return _not(truth(condition.condition, fields, steps, now))


def fields_read(condition: Condition) -> frozenset[str]:
    """Every subject field that the condition names, also "start.<parameter>"."""
    match condition:
        case Compare():
            return frozenset({condition.field})
        case StepIs():
            return frozenset()
        case AllOf() | AnyOf():
            return frozenset().union(*(fields_read(part) for part in condition.conditions))
        case Not():
            return fields_read(condition.condition)


def turns_after(condition: Condition, fields: Fields, now: datetime) -> datetime | None:
    """The earliest instant after now at which time alone may turn the condition's truth.

    Of "within" and "older than" only, with the fields as they are; a whole second, so that two
    turns of one execution are never at one; None where only new data can turn it.
    """
    match condition:
        case Compare():
            found = [at for at in _turns(condition, fields.get(condition.field)) if at > now]
        case StepIs():
            found = []
        case AllOf() | AnyOf():
            parts = (turns_after(part, fields, now) for part in condition.conditions)
            found = [at for at in parts if at is not None]
        case Not():
            return turns_after(condition.condition, fields, now)
    return min(found, default=None)


def _turns(comparison: Compare, actual: Value) -> list[datetime]:
    """The first whole seconds at which each new truth holds."""
    days = number_of(comparison.value)
    at = instant_of(actual)
    if comparison.op not in (Op.within_days, Op.older_than_days) or days is None or at is None:
        return []
    try:
        if is_bare_date(actual):  # compared by days: it changes at midnight
            whole = span_of(days).days
            first, last = at - timedelta(days=whole), at + timedelta(days=1)
            older = at + timedelta(days=whole + 1)
        else:
            first = _whole_second(at - span_of(days))
            last = _second_after(at)
            older = _second_after(at + span_of(days))
    except OverflowError:
        return []
    return [first, last] if comparison.op is Op.within_days else [older]


def _whole_second(at: datetime) -> datetime:
    return at if at.microsecond == 0 else _second_after(at)


def _second_after(at: datetime) -> datetime:
    return at.replace(microsecond=0) + timedelta(seconds=1)


def instant_of(value: object) -> datetime | None:
    """The UTC instant of a text of INSTANT_PATTERN, None where it is none.

    A date means its midnight in UTC; a time without an offset is UTC.
    """
    if not isinstance(value, str) or _INSTANT.fullmatch(value) is None:
        return None
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def is_bare_date(value: object) -> bool:
    """Whether an instant's text is a date alone, which is compared by days."""
    return isinstance(value, str) and len(value) == len("2026-11-22")


def number_of(value: object) -> float | None:
    """The number as JSON carries it, None for flags, texts, and what binary64 cannot hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def span_of(days: float) -> timedelta:
    """So many days, no more than MOST_DAYS: all the same to any two instants."""
    return timedelta(days=max(-MOST_DAYS, min(MOST_DAYS, days)))


def _all(truths: Iterable[bool | None]) -> bool | None:
    seen: set[bool | None] = set(truths)
    if False in seen:
        return False
    return None if None in seen else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _compare(comparison: Compare, actual: Value, now: datetime) -> bool | None:
    wanted = comparison.value
    match comparison.op:
        case Op.known:
            return (actual is not None) == wanted if isinstance(wanted, bool) else None
        case Op.equals:
            return _same(actual, wanted)
        case Op.not_equals:
            return _not(_same(actual, wanted))
        case Op.one_of:
            choices = wanted if isinstance(wanted, tuple) else (wanted,)
            answers = {_same(actual, choice) for choice in choices} - {None}
            return any(answers) if answers else None
        case Op.below:
            return None if (order := _order(actual, wanted)) is None else order < 0
        case Op.above:
            return None if (order := _order(actual, wanted)) is None else order > 0
        case Op.at_least:
            return None if (order := _order(actual, wanted)) is None else order >= 0
        case Op.at_most:
            return None if (order := _order(actual, wanted)) is None else order <= 0
        case Op.within_days:
            return None if (ahead := _ahead(actual, now)) is None else _within(ahead, wanted)
        case Op.older_than_days:
            return None if (ahead := _ahead(actual, now)) is None else _older(-ahead, wanted)


def _same(actual: object, wanted: object) -> bool | None:
    """Equality within one type; numbers by value, so that 70 is 70.0."""
    if isinstance(actual, bool) or isinstance(wanted, bool):
        both_bool = isinstance(actual, bool) and isinstance(wanted, bool)
        return actual is wanted if both_bool else None
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual == wanted
    left, right = number_of(actual), number_of(wanted)
    return None if left is None or right is None else left == right


def _order(actual: object, wanted: object) -> int | None:
    """-1, 0 or 1 of two numbers, or of two ISO instants."""
    left, right = number_of(actual), number_of(wanted)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    earlier, later = instant_of(actual), instant_of(wanted)
    if earlier is not None and later is not None:
        return (earlier > later) - (earlier < later)
    return None


def _within(ahead: timedelta, wanted: object) -> bool | None:
    days = number_of(wanted)
    return None if days is None else timedelta(0) <= ahead <= span_of(days)


def _older(behind: timedelta, wanted: object) -> bool | None:
    days = number_of(wanted)
    return None if days is None else behind > span_of(days)


def _ahead(actual: object, now: datetime) -> timedelta | None:
    """From now to a date or instant, negative once past.

    A date is compared with today's date in UTC, so that a renewal today is not past at noon.
    """
    at = instant_of(actual)
    if at is None:
        return None
    return at - (_midnight(now) if is_bare_date(actual) else now)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
