"""A health model as one SELECT over the statistics of all accounts: score, band and points.

The same answers as `domain/health/score.py`, to the last decimal; a property test equates the
two. Each stage is a subquery with OFFSET 0, which PostgreSQL does not flatten: a component is
read once, although its points are used in several places, and rows stream through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from db.bulk import table_of
from db.models.account_statistics import AccountStatistics
from db.prepared import Prepared
from domain.health.bands import LEAST, Band
from domain.health.dates import INSTANT_PATTERN
from domain.health.model import LARGEST, By, Component, HealthModel
from domain.health.rounding import DIGITS, exact, half_up

STATISTICS = table_of(AccountStatistics).c
_TODAY = bindparam("today", type_=Date())
_NO_LIMIT: Any = literal_column("0", Integer())

Segment = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class HealthSelect:
    """One row per account that has statistics, with the columns

    account_id, version (of the statistics), score (numeric with one decimal, null: no data), band
    (text, null with the score), known_weight, total_weight, and the points of each component
    (numeric with one decimal, null: no data) under its label in `points`.

    The parameters are `org` and `today`, the day in UTC; `parameters` makes them.
    """

    model: HealthModel
    statement: Select[Any]
    points: tuple[str, ...]
    """The labels of the components' points, in the order of the model."""

    def prepared(self) -> Prepared:
        return Prepared(self.statement)


def parameters(org: UUID, now: datetime) -> dict[str, Any]:
    """What a HealthSelect is asked with. `now` is aware."""
    return {"org": org, "today": now.astimezone(UTC).date()}


def health_select(
    model: HealthModel,
    segment: Segment | None = None,
    only: ColumnElement[bool] | None = None,
) -> HealthSelect:
    """The model, compiled. `segment` is the key of an account's segment as an expression over a
    row of `account_statistics` (a column, a field, a correlated subquery); without it, accounts
    are in none. `only` chooses accounts, over the same row. Both may have parameters of their own.
    """
    read = _read(model, segment, only)
    counted = _counted(model, read)
    weighed = _weighed(model, counted)
    scored = _scored(model, weighed)
    labels = _labels(model)
    statement = select(
        scored.c.account_id,
        scored.c.version,
        scored.c.score,
        band_of(scored.c.score).label("band"),
        scored.c.known_weight,
        scored.c.total_weight,
        *(scored.c[label] for label in labels),
    )
    return HealthSelect(model, statement, labels)


def band_of(score: ColumnElement[Any]) -> ColumnElement[Any]:
    """The band of a score, null where that is null."""
    whens = [(score >= _number(least), _text(band.value)) for least, band in LEAST]
    critical = (score.is_not(None), _text(Band.critical.value))
    return case(*whens, critical, else_=null())


# --- what is read -------------------------------------------------------------------------


def _read(
    model: HealthModel, segment: Segment | None, only: ColumnElement[bool] | None
) -> FromClause:
    """The value of each component in the type that it wants, null where it is no such value."""
    statement = select(
        STATISTICS.account_id,
        STATISTICS.version,
        (null() if segment is None else segment).cast(Text()).label("segment"),
        *(
            _value(component).label(label)
            for component, label in zip(model.components, _labels(model), strict=True)
        ),
    ).where(STATISTICS.org_id == bindparam("org", type_=Uuid()))
    if only is not None:
        statement = statement.where(only)
    return statement.offset(_NO_LIMIT).subquery("read")


def _value(component: Component) -> ColumnElement[Any]:
    value = _read_by(component.by, component.field)
    if component.fresh is None:
        return value
    stale = _read_by(By.age, component.fresh.field) > _number(component.fresh.days)
    return case((stale, null()), else_=value)


def _read_by(by: By, field: str) -> ColumnElement[Any]:
    name = _text(field)
    value = STATISTICS.fields.op("->")(name)
    words: ColumnElement[Any] = type_coerce(STATISTICS.fields.op("->>")(name), Text())
    kind = func.jsonb_typeof(value)
    match by:
        case By.number:
            # a cast, only behind the type: CASE does not look at what it does not reach
            number = func.round(cast(value, Numeric()), literal_column(str(DIGITS)))
            return case((kind == "number", number), else_=null())
        case By.age:
            return case((kind == "string", _age(words)), else_=null())
        case By.text:
            return case((kind == "string", words), else_=null())
        case By.flag:
            return case((kind == "boolean", cast(value, Boolean())), else_=null())


def _age(words: ColumnElement[Any]) -> ColumnElement[Any]:
    """Days of the calendar in UTC from a date as text to today, null where it is none.

    A bare day goes past the pattern, which takes longer than all the rest.
    """
    day = func.left(words, 10)
    # After these only the calendar can be wrong, as in the 30th of February.
    on_calendar = func.pg_input_is_valid(day, _text("date"))
    ordered = words.collate("C")
    looks_bare = and_(
        func.translate(words, _text("0123456789"), _text("0" * 10)) == _text("0000-00-00"),
        ordered >= _text("1900"),
        ordered < _text("2200"),
    )
    looks_instant = words.op("~")(_text(INSTANT_PATTERN))
    has_offset = func.translate(func.substr(words, 11), _text("+-"), _text("")) != func.substr(
        words, 11
    )
    in_utc = func.timezone(_text("UTC"), cast(words, TIMESTAMP(timezone=True)))
    then = case(
        (func.length(words) == 10, case((and_(looks_bare, on_calendar), cast(words, Date())))),
        (
            and_(looks_instant, on_calendar),
            case((has_offset, cast(in_utc, Date())), else_=cast(day, Date())),
        ),
        else_=null(),
    )
    return type_coerce(_TODAY - then, Integer())


# --- what it is worth ---------------------------------------------------------------------


def _counted(model: HealthModel, read: FromClause) -> FromClause:
    """The points of each component, rounded; null where there is no data."""
    points = (
        _points(component, read.c[label]).label(label)
        for component, label in zip(model.components, _labels(model), strict=True)
    )
    statement = select(read.c.account_id, read.c.version, read.c.segment, *points)
    return statement.offset(_NO_LIMIT).subquery("counted")


def _points(component: Component, value: ColumnElement[Any]) -> ColumnElement[Any]:
    match component.by:
        case By.number:
            impossible = func.abs(value) > _number(LARGEST)
            return case((impossible, null()), *_curve(component, value), else_=null())
        case By.age:
            return case(*_curve(component, cast(value, Numeric())), else_=null())
        case By.text:
            rows = [
                (value == _text(str(row.value)), _points_of(exact(row.points)))
                for row in component.table
            ]
            return case(*rows, else_=null())
        case By.flag:
            rows = [
                (value.is_(bool(row.value)), _points_of(exact(row.points)))
                for row in component.table
            ]
            return case(*rows, else_=null())


def _curve(
    component: Component, x: ColumnElement[Any]
) -> Sequence[tuple[ColumnElement[Any], ColumnElement[Any]]]:
    """The pieces of a curve as branches; none is taken where x is null."""
    curve = [(exact(point.at), exact(point.points)) for point in component.curve]
    (first, at_first), (last, at_last) = curve[0], curve[-1]
    pieces = [(x <= _fraction(first), _points_of(at_first))]
    for (x0, y0), (x1, y1) in pairwise(curve):
        # y0 + (x - x0) (y1 - y0) / (x1 - x0), over one denominator, so that nothing is rounded
        run = x1 - x0
        above = _fraction(y0 * run) + (x - _fraction(x0)) * _fraction(y1 - y0)
        pieces.append((x <= _fraction(x1), _half_up(above, _fraction(run))))
    pieces.append((x > _fraction(last), _points_of(at_last)))
    return pieces


# --- the score ----------------------------------------------------------------------------


def _weighed(model: HealthModel, counted: FromClause) -> FromClause:
    """The sums: the weight of what is known and of all, and the weighted points."""
    labels = _labels(model)
    weights = [_weight(model, index, counted.c.segment) for index in range(len(labels))]
    known = [
        case((counted.c[label].is_not(None), weight), else_=_number(0))
        for label, weight in zip(labels, weights, strict=True)
    ]
    weighted = [
        func.coalesce(counted.c[label], _number(0)) * weight
        for label, weight in zip(labels, weights, strict=True)
    ]
    statement = select(
        counted.c.account_id,
        counted.c.version,
        _sum(known).label("known_weight"),
        _sum(weights).label("total_weight"),
        _sum(weighted).label("weighted"),
        *(counted.c[label] for label in labels),
    )
    return statement.offset(_NO_LIMIT).subquery("weighed")


def _weight(model: HealthModel, index: int, segment: ColumnElement[Any]) -> ColumnElement[Any]:
    own = model.components[index].weight
    other = [
        (segment == _text(each.segment), _number(weight))
        for each in model.segments
        for weight in (model.weights(each.segment)[index],)
        if weight != own
    ]
    return case(*other, else_=_number(own)) if other else _number(own)


def _scored(model: HealthModel, weighed: FromClause) -> FromClause:
    known, total = weighed.c.known_weight, weighed.c.total_weight
    enough = and_(known > _number(0), known * _number(100) >= total * _number(model.least_known))
    score = case((enough, _half_up(weighed.c.weighted, cast(known, Numeric()))), else_=null())
    statement = select(
        weighed.c.account_id,
        weighed.c.version,
        score.label("score"),
        known,
        total,
        *(weighed.c[label] for label in _labels(model)),
    )
    return statement.offset(_NO_LIMIT).subquery("scored")


# --- numbers ------------------------------------------------------------------------------


def _labels(model: HealthModel) -> tuple[str, ...]:
    """points_1, points_2, ...: keys may be longer than a name in PostgreSQL."""
    return tuple(f"points_{number}" for number in range(1, len(model.components) + 1))


def _half_up(above: ColumnElement[Any], below: ColumnElement[Any]) -> ColumnElement[Any]:
    """above / below with one decimal, half up; `div` is the whole quotient, exact at any size."""
    two, twenty = _number(2), _number(20)
    whole = func.div(above * twenty + below, below * two)
    return type_coerce(whole * literal_column("0.1", Numeric()), Numeric())


def _points_of(points: Fraction) -> ColumnElement[Any]:
    return literal_column(str(half_up(points)), Numeric())


def _number(number: int) -> ColumnElement[Any]:
    return literal_column(str(number), Integer())


def _fraction(number: Fraction) -> ColumnElement[Any]:
    """A number that was written in decimals, as PostgreSQL's numeric, whole and exact."""
    scale = 0
    while (number * 10**scale).denominator != 1:
        scale += 1
    text = f"{Decimal(int(number * 10**scale)).scaleb(-scale):f}"
    # in brackets, because two minus signs begin a comment
    return literal_column(f"({text}::numeric)", Numeric())


def _text(words: str) -> ColumnElement[Any]:
    return literal(words, Text())


def _sum(parts: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
