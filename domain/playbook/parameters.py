"""What a start may carry: names of parameters, and the codes that each may have."""

from __future__ import annotations

from dataclasses import dataclass

from domain.playbook.definition import AllowedValues
from domain.playbook.shapes import ListOf, MapOf, Pattern, Reading, Schema
from domain.playbook.source import Mapping, Node

NAME = Pattern(r"^[a-z][a-z0-9_]*$", "bad_parameter", "alert")
CODE = Pattern(r"^[a-z0-9][a-z0-9_-]*$", "bad_parameter", "payment")

ANY = "any"
"""In place of a list of codes: every code is allowed."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """As they were read: the names in their order, and the codes of those that are limited."""

    names: tuple[str, ...]
    values: tuple[AllowedValues, ...] = ()


@dataclass(frozen=True, slots=True)
class ParametersShape:
    """A list of names, or a mapping from names to the codes that are allowed."""

    def read(self, node: Node, reading: Reading) -> Parameters | None:
        if not isinstance(node, Mapping):
            names = ListOf(NAME).read(node, reading)
            return None if names is None else Parameters(names)
        pairs = MapOf(NAME, ListOf(CODE)).read(node, reading)
        if pairs is None:
            return None
        limited = tuple(AllowedValues(name, codes) for name, codes in pairs if codes != (ANY,))
        return Parameters(tuple(name for name, _ in pairs), limited)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        codes = MapOf(NAME, ListOf(CODE)).schema(defs)
        return {"anyOf": [*ListOf(NAME).schema(defs)["anyOf"], codes]}
