"""What crosses Temporal in the bare arm: ids, codes, numbers and instants, as in ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

TASK_QUEUE = "bare"


@dataclass(frozen=True, slots=True)
class BareInput:
    """`steps` are worked on one after the other, each due `due_after` seconds after it opened."""

    execution: str
    account: str
    actor: str
    steps: tuple[str, ...]
    due_after: float


@dataclass(frozen=True, slots=True)
class BareCommand:
    """A person completes a step; the id of the update is the id of the request."""

    step: str
    actor: str
    event_id: str
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class BareTransition:
    """One transition and its effects: the step that closes, the step that opens."""

    execution: str
    account: str
    number: int
    event_id: str
    kind: str
    at: datetime
    actor: str | None
    closes: str | None
    opens: str | None
    due_at: datetime | None
    breaches: str | None
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class BareAnswer:
    """What the person is told: the transition's number and the step that is open now."""

    number: int
    open: str | None


class Writing(ABC):
    """The record, as the bare workflow writes it."""

    @activity.defn(name="write")
    @abstractmethod
    async def write(self, transition: BareTransition) -> None:
        """Write one transition with its rows, once, in one transaction."""
