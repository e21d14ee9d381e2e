"""What a health model means has to make sense: its fields, its curves, its weights, its segments.

The shapes of its parts have been read before. Every fault goes to the reading, with the place
where it is mended.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from domain.health.model import By, Component, HealthModel, SegmentWeights
from domain.playbook.fields import FIELDS, FieldType, field_type, is_known_field
from domain.playbook.shapes import Reading, suggestion
from domain.playbook.source import Mapping, Node

OWN = "health."
"""What the score is made into; a score that read itself would never come to rest."""

_TAKES: dict[By, FieldType] = {
    By.number: FieldType.number,
    By.age: FieldType.date,
    By.text: FieldType.text,
    By.flag: FieldType.flag,
}


def check(model: HealthModel, reading: Reading, known_segments: Collection[str]) -> None:
    """Adds every fault of meaning to the reading."""
    for component in model.components:
        fresh = component.fresh
        _check_field(component.field, component.by, reading, _place(component, reading, "field"))
        if fresh is not None:
            _check_field(fresh.field, By.age, reading, _place(component, reading, "fresh"))
        _check_curve(component, reading)
        _check_words(component, reading)
    if model.components and not any(model.weights(None)):
        reading.fault(
            reading.nodes[("health", "", "components")],
            "no_weight",
            "No component has a weight.",
            "Give at least one a weight above 0.",
        )
    for segment in model.segments:
        _check_segment(model, segment, reading, known_segments)


def _check_field(name: str, by: By, reading: Reading, at: Node) -> None:
    if not name:
        return
    if not is_known_field(name):
        reading.fault(
            at,
            "unknown_field",
            f'There is no field "{name}".',
            suggestion(name, FIELDS) + ' A field of your own begins with "custom.".',
        )
    elif name.startswith(OWN):
        reading.fault(
            at, "own_field", f'The score cannot read "{name}": it makes it.', "Read another field."
        )
    elif field_type(name) not in (None, _TAKES[by]):
        known, words = FIELDS[name]
        way = next(f"by_{by.value}" for by, takes in _TAKES.items() if takes is known)
        reading.fault(
            at,
            "field_type",
            f'"{name}" cannot be read by_{by.value}.',
            f'It is a {known.value}: {words}. Use "{way}".',
        )


def _check_curve(component: Component, reading: Reading) -> None:
    at = [point.at for point in component.curve]
    for earlier, later in pairwise(at):
        if later <= earlier:
            reading.fault(
                _place(component, reading, f"by_{component.by.value}"),
                "curve_order",
                f"On this curve {later:g} comes after {earlier:g}.",
                "Sort its points by their first number, each of them once.",
            )


def _check_words(component: Component, reading: Reading) -> None:
    if component.says and component.says.count("{}") != 1:
        reading.fault(
            _place(component, reading, "says"),
            "bad_words",
            "The reason does not name its value once.",
            'Write "{}" once, where the value belongs: "last used {} days ago".',
        )


def _check_segment(
    model: HealthModel,
    segment: SegmentWeights,
    reading: Reading,
    known_segments: Collection[str],
) -> None:
    name = segment.segment
    if name and name not in known_segments:
        reading.fault(
            reading.nodes[("segment", name, "segment")],
            "unknown_segment",
            f'There is no segment "{name}".',
            suggestion(name, known_segments) if known_segments else "None is known here.",
        )
    weights = reading.nodes.get(("segment", name, "weights"))
    if weights is None:
        return
    components = {component.key for component in model.components}
    for weight in segment.weights:
        if weight.component not in components:
            reading.fault(
                _key_in(weights, weight.component),
                "unknown_component",
                f'There is no component "{weight.component}".',
                suggestion(weight.component, components),
            )
    if model.components and not any(model.weights(name)):
        reading.fault(
            weights,
            "no_weight",
            f'No component has a weight in the segment "{name}".',
            "Give at least one a weight above 0.",
        )


def _place(component: Component, reading: Reading, key: str) -> Node:
    """Where the key of a component stands, else the component."""
    nodes = reading.nodes
    found = nodes.get(("component", component.key, key)) or nodes.get(("component", component.key))
    return found or nodes[("health", "")]


def _key_in(mapping: Node, name: str) -> Node:
    if not isinstance(mapping, Mapping):
        return mapping
    return next((key for key, _ in mapping.entries if key.value == name), mapping)
