"""The segments that a new organization begins with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from domain.playbook.source import decode
from domain.segments import Segment, parse_segments

FILE = "segments.yaml"


@cache
def shipped_segments() -> Mapping[str, Segment]:
    """By key, in the order of the file; raises PlaybookInvalid where the file is at fault."""
    text = decode(files("playbooks.segments").joinpath(FILE).read_bytes(), FILE)
    return MappingProxyType(parse_segments(text, FILE))
