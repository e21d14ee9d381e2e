"""Segments: named conditions over accounts or contacts, with entry and exit.

Segments may overlap: a high-value account can be at risk as well.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from domain.playbook.blocks import Block, ConditionShape
from domain.playbook.check import check_field_type
from domain.playbook.definition import AllOf, Condition, Duration, Subject, Unit
from domain.playbook.fields import FIELDS, field_type, is_known_field
from domain.playbook.shapes import (
    Key,
    MapOf,
    Mention,
    Named,
    Reading,
    Text,
    Values,
    Word,
    duration,
    key,
    suggestion,
)
from domain.playbook.source import Faults, read_source

Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class Segment:
    """Those that the condition is true for. No more than `touch_days` between two touches; None
    where it asks for none. `source` says where the numbers come from, or "our choice"."""

    key: str
    name: str
    condition: Condition
    subject: Subject = Subject.account
    touch_days: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Moved(Generic[Member]):
    """Who entered a segment between two looks at it, and who left."""

    entered: frozenset[Member]
    left: frozenset[Member]


def moved(before: Set[Member], after: Set[Member]) -> Moved[Member]:
    """Entries and exits; who is in both, or in neither, did not move."""
    return Moved(frozenset(after - before), frozenset(before - after))


def _segment(values: Values, reading: Reading) -> Segment:
    subject = values.get("subject", Subject.account)
    if subject not in (Subject.account, Subject.contact):
        reading.fault(
            values.node("subject"),
            "unknown_subject",
            f"A segment is not of the kind {subject.value}.",
            "It is one of accounts or of contacts.",
        )
    return Segment(
        key="",
        name=values.get("name", ""),
        condition=values.get("when", AllOf(())),
        subject=subject,
        touch_days=_touch_days(values, reading),
        source=values.get("source", ""),
    )


def _touch_days(values: Values, reading: Reading) -> int | None:
    every: Duration | None = values.get("touch_every")
    if every is None:
        return None
    if every.unit not in (Unit.day, Unit.week) or every.amount == 0:
        reading.fault(
            values.node("touch_every"),
            "bad_touch_frequency",
            "Touches are counted in whole days.",
            'Give days or weeks, as "30 days".',
        )
        return None
    return every.amount * (7 if every.unit is Unit.week else 1)


SEGMENT = Block(
    "segment",
    "A named condition over accounts or contacts.",
    (
        Key("name", Text(), "its name", required=True),
        Key("subject", Word(Subject, "unknown_subject"), "account (by default) or contact"),
        Key("when", ConditionShape(), "what is true of its members", required=True),
        Key("touch_every", duration(), "the longest time between two touches, in days or weeks"),
        Key("source", Text(400), 'where its numbers come from, or "our choice"'),
    ),
    _segment,
)
SEGMENTS = MapOf(key(), SEGMENT)


def parse_segments(text: str, file: str) -> dict[str, Segment]:
    """The segments of a segment file, by key; raises PlaybookInvalid with every fault found."""
    faults = Faults(file)
    reading = Reading(faults)
    root = read_source(text, faults)
    pairs: Any = SEGMENTS.read(root, reading) if root is not None else None
    for mention in reading.mentions:
        _check(mention, reading)
    faults.raise_any()
    return {name: replace(segment, key=name) for name, segment in pairs or ()}


def _check(mention: Mention, reading: Reading) -> None:
    """Only fields that are kept of a subject mean something outside an execution."""
    if mention.named is not Named.field:
        reading.fault(
            mention.at,
            "condition_on_step",
            "A segment cannot ask for a step: only an execution has steps.",
            "Ask for fields of the account.",
        )
    elif not is_known_field(mention.name):
        reading.fault(
            mention.at,
            "unknown_field",
            f'There is no field "{mention.name}".',
            suggestion(mention.name, FIELDS) + ' A field of your own begins with "custom.".',
        )
    else:
        known = field_type(mention.name)
        if known is not None and mention.detail is not None:
            check_field_type(mention.name, known, mention, reading)
