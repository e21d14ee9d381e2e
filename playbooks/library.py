"""The shipped library: the playbooks and ladders that come with Holdfast, parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from domain.playbook.definition import Definition, Ladder
from domain.playbook.parse import parse_ladders, parse_playbook
from domain.playbook.source import decode

LADDERS_FILE = "ladders.yaml"


@dataclass(frozen=True, slots=True)
class Shipped:
    """One shipped playbook, with the text it was parsed from."""

    definition: Definition
    source: str
    file: str


@cache
def shipped_ladders() -> Mapping[str, Ladder]:
    """The ladders a new organization begins with, by key."""
    return MappingProxyType(parse_ladders(_text(LADDERS_FILE), LADDERS_FILE))


@cache
def shipped_keys() -> tuple[str, ...]:
    """The keys of the shipped playbooks, sorted; a file is named by its key."""
    names = (entry.name for entry in files("playbooks").iterdir())
    return tuple(
        sorted(
            name.removesuffix(".yaml")
            for name in names
            if name.endswith(".yaml") and name != LADDERS_FILE
        )
    )


@cache
def shipped() -> Mapping[str, Shipped]:
    """Every shipped playbook by key; raises PlaybookInvalid where one is at fault."""
    return MappingProxyType({key: _load(key) for key in shipped_keys()})


def _load(key: str) -> Shipped:
    file = f"{key}.yaml"
    source = _text(file)
    return Shipped(parse_playbook(source, file, shipped_ladders(), shipped_keys()), source, file)


def _text(file: str) -> str:
    return decode(files("playbooks").joinpath(file).read_bytes(), file)
