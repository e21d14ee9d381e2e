"""A fact as the statistics read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.playbook.definition import Value


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated observation. Instants are aware; `content` is as `checking.check` gave it back.

    `corrects`: the id of the fact whose place this one takes.
    """

    id: UUID
    kind: str
    happened_at: datetime
    known_at: datetime
    content: Mapping[str, Value] = field(default_factory=dict)
    corrects: UUID | None = None

    @property
    def family(self) -> str:
        """What it is about: "ticket" of "ticket.opened"."""
        return self.kind.partition(".")[0]


_RANK = {
    "ticket.opened": 0,
    "ticket.updated": 1,
    "ticket.resolved": 2,
    "invoice.issued": 0,
    "invoice.failed": 1,
    "invoice.disputed": 2,
    "invoice.paid": 3,
    "milestone.planned": 0,
    "milestone.missed": 1,
    "milestone.reached": 2,
}
"""Which of two facts of one instant is the later one, as where a source knows days only."""


def in_order(facts: Iterable[Fact], as_of: datetime) -> list[Fact]:
    """What was known by `as_of` and stands uncorrected then, in the order in which it happened.

    The order never depends on when a fact arrived, so late ones give the same statistics.
    """
    known = [fact for fact in facts if fact.known_at <= as_of]
    corrected = {fact.corrects for fact in known}
    return sorted((fact for fact in known if fact.id not in corrected), key=_place)


def _place(fact: Fact) -> tuple[Any, ...]:
    return (
        fact.happened_at,
        _RANK.get(fact.kind, 0),
        fact.kind,
        repr(sorted(fact.content.items())),
    )
