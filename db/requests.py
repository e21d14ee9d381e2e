"""What callers hand to `db/transitions.py`, and what they get back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from db.people import People
from domain.errors import HoldfastError
from domain.playbook.definition import Definition, EvidenceType, Subject
from domain.playbook.state import State
from domain.playbook.telling import Told

Clock = Callable[[datetime], datetime]
"""The clock port (law 3): turns the database's instant into the one that counts."""


def database_clock(at: datetime) -> datetime:
    """The clock of every running system: the database's own."""
    return at


@dataclass(frozen=True, slots=True)
class NewWords:
    """Text that somebody wrote; everything else names it by id (law 16)."""

    id: UUID
    purpose: str
    body: str


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """A value of evidence that is words, a link, a file or a person."""

    id: UUID
    field: str
    type: EvidenceType
    value: str


@dataclass(frozen=True, slots=True)
class StartRequest:
    """`id` names the execution to be: the same request again finds it instead of a second one."""

    id: UUID
    playbook: str
    subject_kind: Subject
    subject: UUID
    account: UUID | None
    contact: UUID | None
    parameters: dict[str, str] = field(default_factory=dict)
    cause: str = "by_hand"
    reason: NewWords | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What a command did. `told` is what its workflow has to hear; `others` are executions that
    got events of their own in this transaction (the relay tells those).

    `before` is the state that it found, None at a start; of a command that is repeated, the state
    as it stands. `people` are those of the account now.
    """

    execution: UUID
    number: int
    definition: Definition
    before: State | None
    state: State
    people: People
    told: tuple[Told, ...]
    refusal: HoldfastError | None = None
    repeated: bool = False
    others: tuple[UUID, ...] = ()
