"""Health models to test with: made by functions, and generated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from domain.health.model import (
    By,
    Component,
    Freshness,
    HealthModel,
    Point,
    Row,
    SegmentWeights,
    Weight,
)
from domain.playbook.definition import Value

SEGMENTS = ("high-value", "growth", "at-risk")
FIELDS = tuple(f"custom.{name}" for name in ("a", "b", "c", "d", "e", "f"))


def by_number(field: str, weight: int = 1, *curve: tuple[float, float]) -> Component:
    points = tuple(Point(at, worth) for at, worth in curve or ((0, 0), (100, 100)))
    return Component(field.replace(".", "-"), field, weight, field, By.number, points)


def by_age(field: str, weight: int, *curve: tuple[int, float]) -> Component:
    points = tuple(Point(at, worth) for at, worth in curve)
    return Component(field.replace(".", "-"), field, weight, field, By.age, points)


def by_table(field: str, weight: int, worth: Mapping[Any, float]) -> Component:
    rows = tuple(Row(value, points) for value, points in worth.items())
    by = By.flag if all(isinstance(value, bool) for value in worth) else By.text
    return Component(field.replace(".", "-"), field, weight, field, by, table=rows)


def model(*components: Component, least_known: int = 1, **segments: dict[str, int]) -> HealthModel:
    """A model of these components; segments by name, with "_" for "-"."""
    other = tuple(
        SegmentWeights(name.replace("_", "-"), tuple(Weight(*each) for each in weights.items()))
        for name, weights in segments.items()
    )
    return HealthModel("test", "Test", components, least_known, other)


def _decimals(least: int, most: int) -> st.SearchStrategy[int | float]:
    """Numbers as people write them: whole, or with up to three decimals."""
    thousandths = st.integers(least * 1000, most * 1000).map(lambda number: number / 1000)
    return st.one_of(st.integers(least, most), thousandths)


_POINTS = st.one_of(st.sampled_from([0, 50, 70, 85, 100]), _decimals(0, 100))
_WORDS = ("low", "medium", "high", "naïve ☃", "it's")


@st.composite
def _curves(draw: st.DrawFn, whole: bool) -> tuple[Point, ...]:
    places = st.integers(-40, 120) if whole else _decimals(-50, 150)
    at = draw(st.lists(places, min_size=2, max_size=5, unique=True))
    return tuple(Point(each, draw(_POINTS)) for each in sorted(at))


@st.composite
def _components(draw: st.DrawFn, number: int) -> Component:
    by = draw(st.sampled_from(By))
    return Component(
        key=f"part-{number}",
        title=f"Part {number}",
        weight=draw(st.integers(0, 20)),
        field=draw(st.sampled_from(FIELDS)),
        by=by,
        curve=draw(_curves(by is By.age)) if by in (By.number, By.age) else (),
        table=tuple(Row(word, draw(_POINTS)) for word in _WORDS[:4])
        if by is By.text
        else tuple(Row(flag, draw(_POINTS)) for flag in (True, False))
        if by is By.flag
        else (),
        fresh=draw(st.none() | st.builds(Freshness, st.sampled_from(FIELDS), st.integers(1, 400))),
    )


@st.composite
def health_models(draw: st.DrawFn) -> HealthModel:
    """Models that the checker lets pass, of up to eight components, with weights by segment."""
    count = draw(st.integers(1, 8))
    components = tuple(draw(_components(number)) for number in range(1, count + 1))
    segments = draw(st.lists(st.sampled_from(SEGMENTS), unique=True, max_size=3))
    other = tuple(
        SegmentWeights(
            segment,
            tuple(
                Weight(each.key, draw(st.integers(0, 20)))
                for each in draw(st.lists(st.sampled_from(components), unique=True, max_size=3))
            ),
        )
        for segment in segments
    )
    made = HealthModel("generated", "Generated", components, draw(st.integers(1, 100)), other)
    if all(any(made.weights(segment)) for segment in (None, *segments)):
        return made
    return HealthModel("generated", "Generated", (by_number("custom.a", 3),), 1)


def _dates() -> st.SearchStrategy[str]:
    """Dates and instants around a fixed day, some impossible, in many forms."""
    day = st.builds(
        lambda year, month, day: f"{year}-{month:02}-{day:02}",
        st.sampled_from([1899, 1900, 2024, 2026, 2026, 2026, 2199, 2200]),
        st.sampled_from([2, 6, 10, 11, 12]),
        st.integers(0, 31),
    )
    time = st.sampled_from(
        ["", "T00:00", "T23:59:59.999999", " 12:30:00", "T24:00:00", "T10:00:60", "t10:00", "T10"]
    )
    offset = st.sampled_from(["", "Z", "+00", "+01:00", "-14:59", "+14:59", "+15:00", "+0530"])
    return st.one_of(
        st.builds(lambda *parts: "".join(parts), day, time, offset),
        day,
        st.sampled_from(["2026-W47-7", "20261122", "2026-11-22\n", "infinity", "now", "", "0"]),
    )


VALUES: st.SearchStrategy[Value] = st.one_of(
    _decimals(-60, 160),
    st.sampled_from([0, -0.0, 50, 69.95, 100, 1e15, 1.1e15, -(10**15), 10**30, 5e-324, 1e300]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    _dates(),
    st.sampled_from(_WORDS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
)
"""Whatever a field may hold, the wrong types too."""

ROWS: st.SearchStrategy[tuple[str | None, dict[str, Value]]] = st.tuples(
    st.sampled_from([None, *SEGMENTS, "unheard-of"]),
    st.dictionaries(st.sampled_from(FIELDS), VALUES),
)
"""A segment and the fields of an account in it."""
