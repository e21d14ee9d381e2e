"""A playbook's YAML, compiled with what the organization has: its ladders and playbooks."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread

from db.queries.playbook_catalogue import all_keys, ladders_of
from db.sessions import ReadSession
from domain.errors import PlaybookInvalid
from domain.playbook.check import not_supported
from domain.playbook.definition import Definition
from domain.playbook.parse import Parsed, parse_located
from domain.playbook.source import decode
from playbooks.library import shipped_keys, shipped_ladders

FILE = "playbook.yaml"
"""How findings name what was sent."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was sent, as text and compiled."""

    text: str
    definition: Definition


async def compile_source(session: ReadSession, content: bytes) -> Source:
    """Raises PlaybookInvalid `playbook_invalid` with every finding, or `not_supported_yet`."""
    text = decode(content, FILE)
    known = {*shipped_keys(), *await all_keys(session)}
    ladders = {**shipped_ladders(), **await ladders_of(session)}
    parsed: Parsed = await to_thread.run_sync(parse_located, text, FILE, ladders, known)
    unsupported = not_supported(parsed.definition, FILE, parsed.nodes)
    if unsupported:
        error = PlaybookInvalid(unsupported)
        error.code = "not_supported_yet"
        raise error
    return Source(text, parsed.definition)
