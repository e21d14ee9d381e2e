"""The health score of one account, explained: each component, its contribution, what is missing.

`db/health.py` computes the same score, band and points for all accounts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from domain.health.bands import Band, band_of
from domain.health.dates import day_of
from domain.health.model import LARGEST, By, Component, HealthModel
from domain.health.rounding import counted, exact, half_up, shares
from domain.playbook.definition import Value
from domain.playbook.fields import FIELDS


class Lack(StrEnum):
    """Why a component has no points."""

    no_data = "no_data"  # nobody delivers the field
    stale = "stale"  # too old to count
    unusable = "unusable"  # another type, an impossible number or date, a word not in the table


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a component adds. Contributions add up to the score; None where there is no score."""

    key: str
    title: str
    field: str
    value: Value
    points: Decimal  # 0.0 to 100.0
    weight: int
    contribution: Decimal | None  # points of the score: points * weight / weight of all known
    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A component that was left out, the other weights taking its place."""

    key: str
    title: str
    field: str
    weight: int
    lack: Lack
    reason: str


@dataclass(frozen=True, slots=True)
class HealthScore:
    """`score` and `band` are None where too little is known: no data, never zero."""

    score: Decimal | None  # 0.0 to 100.0, one decimal
    band: Band | None
    contributions: tuple[Contribution, ...]
    missing: tuple[Missing, ...]
    known_weight: int
    total_weight: int


def score(
    model: HealthModel, fields: Mapping[str, Value], segment: str | None, now: datetime
) -> HealthScore:
    """The score of one account. `now` is aware UTC; ages are days of the calendar in UTC.

    Components of no weight in this segment are left out without being missing.
    """
    today = now.astimezone(UTC).date()
    weights = model.weights(segment)
    found: list[tuple[Component, int, Decimal]] = []
    missing: list[Missing] = []
    for component, weight in zip(model.components, weights, strict=True):
        if weight == 0:
            continue
        points = points_of(component, fields, today)
        if points is None:
            missing.append(_missing(component, weight, fields, today))
        else:
            found.append((component, weight, points))
    known, total = sum(weight for _, weight, _ in found), sum(weights)
    parts = [Fraction(points) * weight / known for _, weight, points in found]
    overall: Decimal | None = None
    shown: list[Decimal | None] = [None] * len(found)
    if known and known * 100 >= model.least_known * total:
        overall = half_up(sum(parts, Fraction(0)))
        shown = [*shares(parts, overall)]
    return HealthScore(
        score=overall,
        band=None if overall is None else band_of(overall),
        contributions=tuple(
            Contribution(
                key=component.key,
                title=component.title,
                field=component.field,
                value=fields.get(component.field),
                points=points,
                weight=weight,
                contribution=part,
                reason=_reason(component, fields.get(component.field), points, today),
            )
            for (component, weight, points), part in zip(found, shown, strict=True)
        ),
        missing=tuple(missing),
        known_weight=known,
        total_weight=total,
    )


def points_of(component: Component, fields: Mapping[str, Value], today: date) -> Decimal | None:
    """0.0 to 100.0, None where the fields do not say. `today` is the day in UTC."""
    if _stale_days(component, fields, today) is not None:
        return None
    value = fields.get(component.field)
    match component.by:
        case By.number:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            # not so written for NaN, which is no number
            return _on_curve(component, exact(value)) if -LARGEST <= value <= LARGEST else None
        case By.age:
            age = _age(value, today)
            return None if age is None else _on_curve(component, Fraction(age))
        case By.text | By.flag:
            wanted = bool if component.by is By.flag else str
            if not isinstance(value, wanted):
                return None
            listed = (row.points for row in component.table if row.value == value)
            found = next(listed, None)
            return None if found is None else half_up(exact(found))


def _on_curve(component: Component, number: Fraction) -> Decimal:
    x = counted(number)
    curve = [(exact(point.at), exact(point.points)) for point in component.curve]
    if x <= curve[0][0]:
        return half_up(curve[0][1])
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x <= x1:
            return half_up(y0 + (x - x0) * (y1 - y0) / (x1 - x0))
    return half_up(curve[-1][1])


def _stale_days(component: Component, fields: Mapping[str, Value], today: date) -> int | None:
    """The age of a value that is too old to count, None where it counts."""
    if component.fresh is None:
        return None
    age = _age(fields.get(component.fresh.field), today)
    return age if age is not None and age > component.fresh.days else None


def _age(value: Value, today: date) -> int | None:
    day = day_of(value)
    return None if day is None else (today - day).days


def _reason(component: Component, value: Value, points: Decimal, today: date) -> str:
    """ "Last used 12 days ago: 37.1 of 100 points." """
    shown = _shown(_age(value, today) if component.by is By.age else value)
    says = component.says.replace("{}", shown) if component.says else f"{component.title}: {shown}"
    return f"{says}: {points} of 100 points."


def _missing(
    component: Component, weight: int, fields: Mapping[str, Value], today: date
) -> Missing:
    value = fields.get(component.field)
    age = _stale_days(component, fields, today)
    field = component.field
    words = f"{field} ({FIELDS[field][1]})" if field in FIELDS else field
    if value is None:
        lack, reason = Lack.no_data, f"No data for {words}: nobody delivers it."
    elif component.fresh is not None and age is not None:
        lack = Lack.stale
        reason = f"Too old for {words}: from {age} days ago, counts for {component.fresh.days}."
    else:
        lack, reason = Lack.unusable, f"No data for {words}: {_shown(value)} means nothing here."
    return Missing(component.key, component.title, field, weight, lack, reason)


def _shown(value: Value) -> str:
    """A value as a person reads it: numbers to two decimals, words never long."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) <= LARGEST else "a huge number"
    if isinstance(value, int):
        return str(value) if abs(value) <= LARGEST else "a huge number"
    text = str(value)
    return f'"{text[:57]}..."' if len(text) > 60 else f'"{text}"'
