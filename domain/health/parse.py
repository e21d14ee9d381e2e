"""From the text of a health model to its HealthModel, or to every fault that it has.

YAML by the same rules as a playbook. Pure: the text comes in, nothing is read from elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from domain.errors import HealthModelInvalid, PlaybookInvalid
from domain.health.check import check
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
from domain.playbook.blocks import Block
from domain.playbook.parse import SOURCE
from domain.playbook.shapes import (
    Key,
    ListOf,
    MapOf,
    Number,
    Pattern,
    Reading,
    Schema,
    Text,
    Values,
    field_name,
    key,
    shown,
)
from domain.playbook.source import Faults, Node, Sequence, read_source

MOST_COMPONENTS = 40
MOST_WEIGHT = 1000
MOST_AT = 10**9  # of a curve: a thousand millions of any unit, as revenue
MOST_AGE = 3660  # days: ten years, the longest duration of the playbook language

POINTS = Number(0, 100, fractions=True)
WEIGHT = Number(0, MOST_WEIGHT)
WORD = Pattern(r"^[^\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?$", "bad_word", "high_value")


@dataclass(frozen=True, slots=True)
class PointShape:
    """A place on a curve: [number, points]."""

    at: Number

    def read(self, node: Node, reading: Reading) -> Point | None:
        if not isinstance(node, Sequence) or len(node.items) != 2:
            reading.fault(
                node,
                "bad_point",
                f"A point of a curve is a number and its points, not {shown(node)}.",
                'Write it as in "[14, 30]".',
            )
            return None
        at, points = self.at.read(node.items[0], reading), POINTS.read(node.items[1], reading)
        return None if at is None or points is None else Point(at, points)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        items = [self.at.schema(defs), POINTS.schema(defs)]
        return {"type": "array", "prefixItems": items, "minItems": 2, "maxItems": 2}


def _curve(at: Number) -> ListOf:
    return ListOf(PointShape(at), or_one=False, least=2, most=20)


FLAG = Block(
    "flag table",
    "What true and false are worth.",
    (
        Key("when_true", POINTS, "the points of true", required=True),
        Key("when_false", POINTS, "the points of false", required=True),
    ),
    lambda values, reading: (
        Row(True, values.get("when_true", 0)),
        Row(False, values.get("when_false", 0)),
    ),
)

FRESH = Block(
    "freshness",
    "How long a value counts.",
    (
        Key("field", field_name(), "the date of the value", required=True),
        Key("days", Number(1, MOST_AGE), "how many days it counts", required=True),
    ),
    lambda values, reading: Freshness(values.get("field", ""), values.get("days", 1)),
)

READINGS: dict[str, By] = {
    "by_number": By.number,
    "by_age": By.age,
    "by_text": By.text,
    "by_flag": By.flag,
}
"""The keys of a component that say how its field becomes points; it has exactly one."""


def _component(values: Values, reading: Reading) -> Component | None:
    name = values.get("component", "")
    reading.place("component", name, values.block)
    given = [word for word in READINGS if values.block.get(word) is not None]
    if len(given) != 1:
        reading.fault(
            values.node(given[1]) if given else values.block,
            "bad_component",
            "A component reads its field in one way."
            if given
            else "This component says not what its field is worth.",
            f"Give exactly one of: {', '.join(READINGS)}.",
        )
        return None
    by = READINGS[given[0]]
    worth = values.get(given[0], ())
    return Component(
        key=name,
        title=values.get("title", ""),
        weight=values.get("weight", 0),
        field=values.get("field", ""),
        by=by,
        curve=worth if by in (By.number, By.age) else (),
        table=_table(by, worth),
        says=values.get("says", ""),
        source=values.get("source", ""),
        fresh=values.get("fresh"),
    )


def _table(by: By, worth: tuple[object, ...]) -> tuple[Row, ...]:
    match by:
        case By.flag:
            return tuple(row for row in worth if isinstance(row, Row))
        case By.text:
            pairs = (pair for pair in worth if isinstance(pair, tuple))
            return tuple(Row(word, points) for word, points in pairs)
        case By.number | By.age:
            return ()


COMPONENT = Block(
    "component",
    "One part of the score.",
    (
        Key("component", key(), "its key, unique in the model", required=True),
        Key("title", Text(80), "its name", required=True),
        Key("weight", WEIGHT, "a whole number, beside those of the others", required=True),
        Key("field", field_name(), "the field of the account that it reads", required=True),
        Key("by_number", _curve(Number(-MOST_AT, MOST_AT, True)), "a curve over a number"),
        Key("by_age", _curve(Number(-MOST_AGE, MOST_AGE)), "a curve over the days since a date"),
        Key("by_text", MapOf(WORD, POINTS), "points by word"),
        Key("by_flag", FLAG, "points of true and of false"),
        Key("fresh", FRESH, "how long a value counts; by default however old it is"),
        Key("says", Text(200), 'its reason in words; "{}" stands for the value'),
        SOURCE,
    ),
    _component,
)


def _segment(values: Values, reading: Reading) -> SegmentWeights:
    name = values.get("segment", "")
    reading.place("segment", name, values.block)
    pairs = values.get("weights", ())
    return SegmentWeights(name, tuple(Weight(component, weight) for component, weight in pairs))


SEGMENT = Block(
    "segment",
    "Other weights for the accounts of one segment.",
    (
        Key("segment", key(), "the segment's key", required=True),
        Key("weights", MapOf(key(), WEIGHT), "weights by component", required=True),
    ),
    _segment,
)


def _model(values: Values, reading: Reading) -> HealthModel:
    reading.place("health", "", values.block)
    return HealthModel(
        key=values.get("health", ""),
        name=values.get("name", ""),
        components=values.get("components", ()),
        least_known=values.get("least_known", 1),
        segments=values.get("segments", ()),
        source=values.get("source", ""),
    )


HEALTH = Block(
    "health model",
    "What the health score of an account is made of.",
    (
        Key("health", key(), "its key", required=True),
        Key("name", Text(), "its name", required=True),
        Key(
            "least_known",
            Number(1, 100),
            "per cent of the weight that has to have data, else there is no score",
            required=True,
        ),
        Key(
            "components",
            ListOf(COMPONENT, or_one=False, most=MOST_COMPONENTS),
            "its parts",
            required=True,
        ),
        Key("segments", ListOf(SEGMENT, or_one=False), "other weights by segment"),
        SOURCE,
    ),
    _model,
)


def parse_health_model(text: str, file: str, known_segments: Collection[str]) -> HealthModel:
    """The checked model; raises HealthModelInvalid with every fault found.

    `known_segments` are the keys of the organization's segments, which the model may name.
    """
    faults = Faults(file)
    reading = Reading(faults)
    root = read_source(text, faults)
    model: HealthModel | None = HEALTH.read(root, reading) if root is not None else None
    if model is not None:
        check(model, reading, known_segments)
    try:
        faults.raise_any()
    except PlaybookInvalid as error:
        raise HealthModelInvalid(error.findings) from None
    assert model is not None, "without a root there is a finding"
    return model
