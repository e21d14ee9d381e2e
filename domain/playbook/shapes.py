"""Shapes: one description of a piece of the language that both reads it and publishes its schema.

A shape reads a located node into a value; a fault is collected and gives None, so that reading
goes on. `Block` describes a mapping by its keys and builds the value from what was read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from domain.playbook.definition import Anchor, Condition
from domain.playbook.grammar import (
    DURATION_PATTERN,
    FIELD_PATTERN,
    KEY_PATTERN,
    TIME_PATTERN,
    WEEK_PATTERN,
    Edge,
    NotATime,
    parse_duration,
    parse_phase_bound,
    parse_time,
)
from domain.playbook.source import Faults, Mapping, Node, Scalar, Sequence

Schema = dict[str, Any]


class Named(StrEnum):
    """What a playbook refers to by name, to be found by the checker."""

    field = "field"
    step = "step"
    choice = "choice"
    ladder = "ladder"
    playbook = "playbook"
    fact = "fact"


@dataclass(frozen=True, slots=True)
class Mention:
    """One reference by name, where it stands. `detail` is the choice, or (op, value) of a field."""

    named: Named
    name: str
    at: Node
    detail: Any = None


@dataclass(slots=True)
class Reading:
    """What one pass over a file gathers: faults, mentions, and where each key of a step stands."""

    faults: Faults
    mentions: list[Mention] = field(default_factory=list)
    nodes: dict[tuple[str, ...], Node] = field(default_factory=dict)

    def fault(self, at: Node, code: str, message: str, fix: str) -> None:
        self.faults.add(at, code, message, fix)

    def mention(self, named: Named, name: str, at: Node, detail: Any = None) -> None:
        self.mentions.append(Mention(named, name, at, detail))

    def place(self, part: str, name: str, block: Mapping) -> None:
        """Remember where a step, phase or the playbook stands, and where each of its keys does."""
        if name and (part, name) in self.nodes:
            self.fault(
                block.get(part) or block,
                "duplicate_" + part,
                f'There is another {part} "{name}".',
                "Give each a key of its own.",
            )
            return
        self.nodes[(part, name)] = block
        for key_node, node in block.entries:
            self.nodes[(part, name, str(key_node.value))] = node

    def at(self, part: str, name: str, *keys: str) -> Node:
        """Where the first of `keys` stands that the part has, else where the part begins."""
        for each in keys:
            if (part, name, each) in self.nodes:
                return self.nodes[(part, name, each)]
        return self.nodes.get((part, name)) or self.nodes[("playbook", "")]


class Shape(Protocol):
    def read(self, node: Node, reading: Reading) -> Any: ...

    def schema(self, defs: dict[str, Schema]) -> Schema: ...


def suggestion(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """'Did you mean "due"?' for the nearest known word, else the whole choice."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:80], words, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return otherwise or f"Known: {', '.join(words)}."


def shown(node: Node) -> str:
    """A value as a message quotes it, never long."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    text = str(node.value)
    return f'"{text[:57]}..."' if len(text) > 60 else f'"{text}"'


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people: one line up to `most` characters, or `long` ones."""

    most: int = 200

    def read(self, node: Node, reading: Reading) -> str | None:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            reading.fault(node, "not_text", f"Text is expected, not {shown(node)}.", "Quote it.")
            return None
        if not node.value.strip() or len(node.value) > self.most:
            reading.fault(
                node,
                "text_length",
                f"The text has {len(node.value)} characters; 1 to {self.most} are allowed.",
                "Shorten or fill it.",
            )
            return None
        return node.value.strip()

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": self.most}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A key or code: text of a fixed form."""

    pattern: str
    code: str
    example: str
    named: Named | None = None
    most: int = 80

    def read(self, node: Node, reading: Reading) -> str | None:
        value = node.value if isinstance(node, Scalar) else None
        if (
            not isinstance(value, str)
            or len(value) > self.most
            or not re.match(self.pattern.removesuffix("$") + r"\Z", value, re.ASCII)
        ):
            reading.fault(
                node,
                self.code,
                f"{shown(node)} does not have the form of a name here.",
                f'Write it as in "{self.example}", at most {self.most} characters.',
            )
            return None
        if self.named is not None:
            reading.mention(self.named, value, node)
        return value

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "string", "pattern": self.pattern, "maxLength": self.most}


def key(named: Named | None = None) -> Pattern:
    """A name of a playbook, phase, step, ladder or choice: "discovery-call"."""
    return Pattern(KEY_PATTERN, "bad_key", "discovery-call", named)


def code_word() -> Pattern:
    """A code that is stored and counted: "not_recovered"."""
    return Pattern(r"^[a-z][a-z0-9_]*$", "bad_code", "not_recovered")


def field_name() -> Pattern:
    """A field of the subject: "health.score"."""
    return Pattern(FIELD_PATTERN, "bad_field", "health.score", Named.field)


def fact_name() -> Pattern:
    """A kind of fact: "touch.meeting"."""
    return Pattern(FIELD_PATTERN, "bad_fact", "touch.meeting", Named.fact)


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, node: Node, reading: Reading) -> bool | None:
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        reading.fault(
            node, "not_a_flag", f"{shown(node)} is not true or false.", "Write true or false."
        )
        return None

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two bounds, both allowed; whole unless `fractions`."""

    least: float
    most: float
    fractions: bool = False

    def read(self, node: Node, reading: Reading) -> float | int | None:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            reading.fault(
                node, "not_a_number", f"{shown(node)} is not a number.", "Write a number."
            )
            return None
        if not self.least <= value <= self.most or (not self.fractions and value != int(value)):
            whole = "" if self.fractions else "whole "
            reading.fault(
                node,
                "number_range",
                f"{value} is outside of what is allowed.",
                f"Write a {whole}number from {self.least:g} to {self.most:g}.",
            )
            return None
        return value if self.fractions else int(value)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        kind = "number" if self.fractions else "integer"
        return {"type": kind, "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Word:
    """One of the words of an enumeration; `code` is the fault's."""

    words: type[StrEnum]
    code: str

    def read(self, node: Node, reading: Reading) -> Any:
        value = node.value if isinstance(node, Scalar) else None
        known = [word.value for word in self.words]
        if value in known:
            return self.words(str(value))
        reading.fault(
            node,
            self.code,
            f"{shown(node)} is not known here.",
            suggestion(str(value), known),
        )
        return None

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"enum": [word.value for word in self.words]}


@dataclass(frozen=True, slots=True)
class TimeText:
    """A text of the time grammar; `read_text` says which."""

    pattern: str
    read_text: Callable[[str], Any]

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            reading.fault(
                node,
                "bad_time",
                f"{shown(node)} is not a time.",
                'Write it with a unit: "48 hours".',
            )
            return None
        try:
            return self.read_text(node.value)
        except NotATime as error:
            reading.fault(node, "bad_time", f"{shown(node)} is not a time.", f"Note that {error}.")
            return None

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "string", "pattern": self.pattern}


def duration() -> TimeText:
    return TimeText(DURATION_PATTERN, parse_duration)


def phase_bound(edge: Edge) -> TimeText:
    either = f"{WEEK_PATTERN}|{DURATION_PATTERN}"
    return TimeText(either, lambda text: parse_phase_bound(text, edge))


@dataclass(frozen=True, slots=True)
class TimeShape:
    """A TimeSpec; mentions the step or field that it counts from."""

    default: Anchor
    edge: Edge

    def read(self, node: Node, reading: Reading) -> Any:
        spec = TimeText(TIME_PATTERN, lambda text: parse_time(text, self.default, self.edge)).read(
            node, reading
        )
        if spec is not None and spec.ref is not None:
            if spec.anchor is Anchor.step:
                reading.mention(Named.step, spec.ref, node)
            else:
                reading.mention(Named.field, spec.ref, node, ("date", None))
        return spec

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "string", "pattern": TIME_PATTERN}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; where `or_one`, a single item may stand for a list of one."""

    item: Shape
    or_one: bool = True
    least: int = 1
    most: int = 100

    def read(self, node: Node, reading: Reading) -> tuple[Any, ...] | None:
        if not isinstance(node, Sequence):
            if not self.or_one:
                reading.fault(
                    node,
                    "not_a_list",
                    f"A list is expected, not {shown(node)}.",
                    'Begin items with "- ".',
                )
                return None
            one = self.item.read(node, reading)
            return None if one is None else (one,)
        if not self.least <= len(node.items) <= self.most:
            reading.fault(
                node,
                "list_length",
                f"The list has {len(node.items)} items.",
                f"Give {self.least} to {self.most}.",
            )
        values = [self.item.read(item, reading) for item in node.items[: self.most]]
        return tuple(value for value in values if value is not None)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        item = self.item.schema(defs)
        many = {"type": "array", "items": item, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [item, many]} if self.or_one else many


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from names of one shape to values of another, as a tuple of pairs."""

    name: Pattern
    value: Shape
    most: int = 50

    def read(self, node: Node, reading: Reading) -> tuple[tuple[str, Any], ...] | None:
        if not isinstance(node, Mapping) or not node.entries:
            reading.fault(
                node,
                "not_a_mapping",
                f"A mapping of names is expected, not {shown(node)}.",
                f'Write lines of the form "{self.name.example}: ...".',
            )
            return None
        if len(node.entries) > self.most:
            reading.fault(
                node,
                "list_length",
                f"There are {len(node.entries)} names.",
                f"Give at most {self.most}.",
            )
        pairs = []
        for name_node, value_node in node.entries[: self.most]:
            name = self.name.read(name_node, reading)
            value = self.value.read(value_node, reading)
            if name is not None and value is not None:
                pairs.append((name, value))
        return tuple(pairs)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {
            "type": "object",
            "propertyNames": self.name.schema(defs),
            "additionalProperties": self.value.schema(defs),
            "minProperties": 1,
            "maxProperties": self.most,
        }


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a block: its shape, and the words that the reference and the schema give it."""

    name: str
    shape: Shape
    words: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """What was read of a block; a key that is absent, or at fault, gives its default."""

    block: Mapping
    read: dict[str, Any]
    condition: Condition | None = None

    def get(self, name: str, default: Any = None) -> Any:
        value = self.read.get(name)
        return default if value is None else value

    def node(self, name: str) -> Node:
        """Where the value stands, else where the block begins."""
        return self.block.get(name) or self.block
