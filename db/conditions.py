"""A condition as SQL over a JSONB column of fields: the same three truths, for all rows at once.

SQL's NULL is "no data"; AND, OR and NOT of SQL are "all", "any" and "not" of domain/conditions.py,
which says what each comparison means. No stored value raises: a value is cast only inside a CASE
that has looked at its type and form before, because SQL promises no order for AND. A WHERE takes
NULL for not true, as the top of a condition does.

Where both differ: never by value. A number that binary64 cannot hold (1e400, which PostgreSQL
stores and no writer of ours sends) is no data here and cannot be read by Python at all.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    DateTime,
    Double,
    Interval,
    Numeric,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.conditions import INSTANT_PATTERN, instant_of, number_of, span_of
from domain.errors import Invalid
from domain.playbook.definition import AllOf, AnyOf, Compare, Condition, Not, Op, StepIs

T = TypeVar("T")
Fields = ColumnElement[Any]
Instant = ColumnElement[datetime]
Truth = ColumnElement[bool]

_INSTANT = DateTime(timezone=True)
NOW: Instant = bindparam("now", type_=_INSTANT)
"""The instant that conditions count from, given with the statement: an aware UTC datetime."""

_NO_DATA: Truth = cast(null(), Boolean)
_ORDERS: dict[Op, Callable[[Any, Any], Truth]] = {
    Op.below: operator.lt,
    Op.above: operator.gt,
    Op.at_least: operator.ge,
    Op.at_most: operator.le,
}
_DIGITS_OF_ANY_USE = 300
"""A stored number is written out without an exponent, so one that is shorter than this fits."""

_TOO_LARGE: ColumnElement[Any] = literal_column("1.7976931348623158079e308", Numeric())
"""From here on a number rounds to no finite binary64, and PostgreSQL refuses to cast it."""

_TOO_SMALL: ColumnElement[Any] = literal_column("2.4703282292062328e-324", Numeric())
"""Half of the least binary64: below, a number rounds to zero, which PostgreSQL refuses as well."""


def truth_of(condition: Condition, fields: Fields, now: Instant = NOW) -> Truth:
    """True, false, or NULL where `fields` (JSONB, an object) does not say.

    Raises Invalid `condition_on_step` for a condition on a step, which only an execution has.
    """
    match condition:
        case Compare():
            return _compare(condition, _Field(fields, condition.field), now)
        case StepIs():
            raise Invalid(
                f'A condition on the step "{condition.step}" means something in an execution '
                "alone. Ask for fields of the account here.",
                code="condition_on_step",
            )
        case AllOf():
            return and_(true(), *(truth_of(part, fields, now) for part in condition.conditions))
        case AnyOf():
            return or_(false(), *(truth_of(part, fields, now) for part in condition.conditions))
        case Not():
            return not_(truth_of(condition.condition, fields, now))


class _Field:
    """One field's value, seen as each type it may have; NULL where it has another."""

    def __init__(self, fields: Fields, name: str) -> None:
        named = literal(name if _is_storable(name) else None, Text())
        self._value = fields.op("->", return_type=JSONB())(named)
        self._words = fields.op("->>", return_type=Text())(named)
        self._type = func.jsonb_typeof(self._value)

    def is_known(self) -> Truth:
        return func.coalesce(self._type != "null", false())

    def as_text(self, then: Callable[[ColumnElement[str]], ColumnElement[T]]) -> ColumnElement[T]:
        return case((self._type == "string", then(self._words)))

    def as_flag(self, then: Callable[[Truth], Truth]) -> Truth:
        return case((self._type == "boolean", then(cast(self._value, Boolean))))

    def as_number(self, then: Callable[[ColumnElement[float]], Truth]) -> Truth:
        size = func.abs(cast(self._value, Numeric))
        number = case(
            (func.length(self._words) < _DIGITS_OF_ANY_USE, cast(self._words, Double)),
            (size < _TOO_SMALL, literal(0.0, Double())),
            (size < _TOO_LARGE, cast(self._value, Double)),
        )
        return case((self._type == "number", then(number)))

    def as_instant(self) -> Instant:
        """As `instant_of` has it: what is no whole match of the pattern is not cast."""
        return self.as_text(_instant_of)

    def ahead_of(self, now: Instant) -> ColumnElement[Any]:
        """From now on to the instant; a date counts from the beginning of today in UTC."""
        today = func.date_trunc("day", now, "UTC")
        since = case((func.length(self._words) == len("2026-11-22"), today), else_=now)
        return self.as_instant() - since


def _instant_of(words: ColumnElement[str]) -> Instant:
    """The instant of a text, NULL where INSTANT_PATTERN does not match it as a whole.

    Matching a pattern costs PostgreSQL ten times a cast, so what nearly all instants look like is
    recognized by writing it out again, whatever the session's settings: a date, and what systems
    write in UTC. The pattern decides the rest.
    """
    day = case((_written(words, "YYYY-MM-DD"), cast(words.concat("Z"), _INSTANT)))
    any_other = (words.op("~")(f"^(?:{INSTANT_PATTERN})$"), _cast_of_a_match(words))
    second = func.left(words, 19)
    plain = and_(_written(second, 'YYYY-MM-DD"T"HH24:MI:SS'), _ends_in_utc(words))
    return case(
        (func.length(words) == len("2026-11-22"), case((_is_valid(words), day))),
        (_is_valid(second), case((plain, cast(words, _INSTANT)), any_other)),
        any_other,
    )


def _is_valid(words: ColumnElement[str]) -> Truth:
    """Whether the cast to a time without a zone would not raise."""
    return func.pg_input_is_valid(words, "timestamp")


def _written(words: ColumnElement[str], form: str) -> Truth:
    """Whether a text that is valid is written in just this form; never for "today" and the like."""
    return func.to_char(cast(words, DateTime()), form) == words


def _ends_in_utc(words: ColumnElement[str]) -> Truth:
    """Whether after the second only Z or +00:00 follows, or six digits and then one of them.

    The first and the last ten years are left to the pattern, which knows their edges.
    """
    utc = ("Z", "+00:00")
    digits = func.ltrim(func.substr(words, 21, 6), "0123456789") == ""
    fraction = and_(func.substr(words, 20, 1) == ".", digits, _one_of(func.substr(words, 27), utc))
    inner = not_(_one_of(func.left(words, 3), ("000", "999")))
    return and_(inner, or_(_one_of(func.substr(words, 20), utc), fraction))


def _one_of(words: ColumnElement[str], choices: tuple[str, ...]) -> Truth:
    return or_(*(words == choice for choice in choices))


def _cast_of_a_match(words: ColumnElement[str]) -> Instant:
    """The cast, whatever the session's time zone: digits past microseconds are cut off as Python
    does, where the server would round, and what has no offset is UTC."""
    exact = case(
        (func.strpos(words, ".") > 0, func.regexp_replace(words, "([.][0-9]{6})[0-9]+", r"\1")),
        else_=words,
    )
    offset = case((func.substr(words, 11).op("~")("[Z+-]"), ""), else_="Z")
    return cast(exact.concat(offset), _INSTANT)


def _compare(comparison: Compare, field: _Field, now: Instant) -> Truth:
    wanted = comparison.value
    match comparison.op:
        case Op.known:
            if not isinstance(wanted, bool):
                return _NO_DATA
            return field.is_known() if wanted else not_(field.is_known())
        case Op.equals:
            return _same(field, (wanted,))
        case Op.not_equals:
            return not_(_same(field, (wanted,)))
        case Op.one_of:
            return _same(field, wanted if isinstance(wanted, tuple) else (wanted,))
        case Op.below | Op.above | Op.at_least | Op.at_most:
            return _ordered(field, _ORDERS[comparison.op], wanted)
        case Op.within_days | Op.older_than_days:
            days = number_of(wanted)
            if days is None:
                return _NO_DATA
            span = span_of(days)
            ahead = field.ahead_of(now)
            if comparison.op is Op.within_days:
                return ahead.between(literal(span_of(0), Interval()), literal(span, Interval()))
            return ahead < literal(-span, Interval())


def _same(field: _Field, choices: tuple[object, ...]) -> Truth:
    """Whether the value is one of the choices of its own type; NULL where none is of it."""
    texts = [each for each in choices if isinstance(each, str)]
    numbers = [number for each in choices if (number := number_of(each)) is not None]
    flags = [each for each in choices if isinstance(each, bool)]
    found: list[Truth] = []
    if texts:
        stored: ColumnElement[Any] = literal(
            [each for each in texts if _is_storable(each)], ARRAY(Text())
        )
        found.append(field.as_text(lambda words: words == any_(stored)))
    if numbers:
        wanted: ColumnElement[Any] = literal(numbers, ARRAY(Double()))
        found.append(field.as_number(lambda number: number == any_(wanted)))
    if flags:
        either: ColumnElement[Any] = literal(flags, ARRAY(Boolean()))
        found.append(field.as_flag(lambda flag: flag == any_(either)))
    return func.coalesce(*found) if found else _NO_DATA


def _ordered(field: _Field, order: Callable[[Any, Any], Truth], wanted: object) -> Truth:
    """Numbers against a number, instants against an instant."""
    number = number_of(wanted)
    if number is not None:
        return field.as_number(lambda actual: order(actual, literal(number, Double())))
    instant = instant_of(wanted)
    if instant is not None:
        return order(field.as_instant(), literal(instant, _INSTANT))
    return _NO_DATA


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, no half of a character pair."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
