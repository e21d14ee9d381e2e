"""What a health score is made of: weighted components, and how each turns a field into points.

The parser makes it from YAML, the checker vouches for it, its content hash names it. Points run
from 0 to 100, weights are whole numbers that mean something only beside each other, numbers are
in their field's unit, ages in days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from domain.playbook.codec import digest

Json = dict[str, Any]

LARGEST = 10**15
"""A number beyond it, either way, is impossible and counts as no data: the largest a playbook or
a model can write (domain/playbook/source.py), and any sum of money we shall see; our choice."""


class By(StrEnum):
    """How a component reads its field."""

    number = "number"  # a number, on a curve
    age = "age"  # a date, by the days since then in UTC, on a curve; days ahead are negative
    text = "text"  # a word, by a table
    flag = "flag"  # true or false, by a table


@dataclass(frozen=True, slots=True)
class Point:
    """At this number, or at this age in days, the component has so many points."""

    at: int | float
    points: int | float


@dataclass(frozen=True, slots=True)
class Row:
    """For this word or flag the component has so many points."""

    value: str | bool
    points: int | float


@dataclass(frozen=True, slots=True)
class Freshness:
    """A value counts until the date in `field` is more than `days` ago, by the calendar in UTC.

    Where that date is not known the value counts: only what is known to be old is left out.
    """

    field: str
    days: int


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the score: a field, and what it is worth.

    Between the points of its curve the worth runs straight; outside, it is that of the nearest.
    A value that is missing, of another type, or not in the table is no data: never zero.
    """

    key: str
    title: str
    weight: int
    field: str
    by: By
    curve: tuple[Point, ...] = ()  # of number and age: `at` rises strictly
    table: tuple[Row, ...] = ()  # of text and flag
    says: str = ""  # the reason in words; "{}" stands for the number, the days or the word
    source: str = ""  # where the weight and the points come from, or "our choice"
    fresh: Freshness | None = None  # None: the value counts however old


@dataclass(frozen=True, slots=True)
class Weight:
    component: str
    weight: int


@dataclass(frozen=True, slots=True)
class SegmentWeights:
    """Other weights for the accounts of one segment; what is not named keeps its own."""

    segment: str
    weights: tuple[Weight, ...]


@dataclass(frozen=True, slots=True)
class HealthModel:
    """One model, whole. `version` is given when an organization stores it; 0 before.

    Where less than `least_known` per cent of the weight has data there is no score.
    """

    key: str
    name: str
    components: tuple[Component, ...]
    least_known: int
    segments: tuple[SegmentWeights, ...] = ()
    version: int = 0
    source: str = ""  # where `least_known` comes from, or "our choice"

    def weights(self, segment: str | None) -> tuple[int, ...]:
        """The weight of every component for the accounts of a segment, in order."""
        own = next((each.weights for each in self.segments if each.segment == segment), ())
        other = {each.component: each.weight for each in own}
        return tuple(other.get(each.key, each.weight) for each in self.components)

    def reads(self) -> tuple[str, ...]:
        """Every field that the score depends on, sorted."""
        dates = {component.fresh.field for component in self.components if component.fresh}
        return tuple(sorted({component.field for component in self.components} | dates))


_MODEL: TypeAdapter[HealthModel] = TypeAdapter(HealthModel)


def model_to_json(model: HealthModel) -> Json:
    """Plain JSON values, fit for a JSONB column; what is left out has its default."""
    plain: Json = _MODEL.dump_python(model, mode="json", exclude_defaults=True)
    return plain


def model_from_json(value: Json | str | bytes) -> HealthModel:
    """The inverse of `model_to_json`; raises pydantic's ValidationError on anything else."""
    if isinstance(value, dict):
        return _MODEL.validate_python(value)
    return _MODEL.validate_json(value)


def content_hash(model: HealthModel) -> str:
    """SHA-256 over the canonical JSON, in hex: the same under whatever version it is stored."""
    return digest(model_to_json(replace(model, version=0)))
