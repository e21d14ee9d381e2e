"""The truth of a condition over what is known of a subject, at an instant.

Three truths: True, False, and None for "no data". A comparison has no data where its field has
no value or the wrong type (text against a number); it never raises. "all" is false as soon as
one part is false, "any" true as soon as one part is true; otherwise one part without data leaves
them without data; "not" of no data is no data. At the top no data counts as not true, so a
playbook never acts, and nothing is held (law 15), because something is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

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
    days = _number(comparison.value)
    at = instant_of(actual)
    if comparison.op not in (Op.within_days, Op.older_than_days) or days is None or at is None:
        return []
    bare = isinstance(actual, str) and len(actual) == len("2026-11-22")
    try:
        if bare:  # compared by days: it changes at midnight
            whole = math.floor(days)
            first, last = at - timedelta(days=whole), at + timedelta(days=1)
            older = at + timedelta(days=whole + 1)
        else:
            first = _whole_second(at - timedelta(days=days))
            last = _second_after(at)
            older = _second_after(at + timedelta(days=days))
    except OverflowError:
        return []
    return [first, last] if comparison.op is Op.within_days else [older]


def _whole_second(at: datetime) -> datetime:
    return at if at.microsecond == 0 else _second_after(at)


def _second_after(at: datetime) -> datetime:
    return at.replace(microsecond=0) + timedelta(seconds=1)


def instant_of(value: object) -> datetime | None:
    """The UTC instant of an ISO text, None where it is none.

    A date means its midnight in UTC; a time without an offset is UTC.
    """
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
        case Op.within_days | Op.older_than_days:
            ahead = _time_ahead(actual, now)
            days = _number(wanted)
            if ahead is None or days is None:
                return None
            if comparison.op is Op.within_days:
                return 0 <= ahead <= days
            return -ahead > days


def _number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _same(actual: object, wanted: object) -> bool | None:
    """Equality within one type; numbers by value, so that 70 is 70.0."""
    if isinstance(actual, bool) or isinstance(wanted, bool):
        both_bool = isinstance(actual, bool) and isinstance(wanted, bool)
        return actual is wanted if both_bool else None
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual == wanted
    left, right = _number(actual), _number(wanted)
    return None if left is None or right is None else left == right


def _order(actual: object, wanted: object) -> int | None:
    """-1, 0 or 1 of two numbers, or of two ISO instants."""
    left, right = _number(actual), _number(wanted)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    earlier, later = instant_of(actual), instant_of(wanted)
    if earlier is not None and later is not None:
        return (earlier > later) - (earlier < later)
    return None


def _time_ahead(actual: object, now: datetime) -> float | None:
    """Days from now to a date or instant, negative once past.

    A date is compared with today's date in UTC, so that a renewal today is not past at noon.
    """
    if isinstance(actual, str) and len(actual) == len("2026-11-22"):
        try:
            return (date.fromisoformat(actual) - now.date()).days
        except ValueError:
            return None
    at = instant_of(actual)
    return None if at is None else (at - now) / timedelta(days=1)
