"""What a workflow is told of a transition (law 4): ids, codes, numbers and instants, no words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One transition, as the signal `transition` carries it.

    `next_deadline` is the earliest deadline after it, None where nothing is due by itself.
    `deliveries` are the ids of the deliveries it caused that this execution's workflow carries.
    `playbook` is the definition's key and stands in transition 0 alone, which starts the workflow.
    """

    number: int
    event: str
    event_id: str
    reason_code: str | None
    at: datetime
    digest: str
    next_deadline: datetime | None
    deliveries: tuple[str, ...] = ()
    ended: bool = False
    playbook: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What settling found: every transition the workflow did not know, and when to wake next.

    `not_before` is set where nothing was due yet by the execution's clock; `put_off` says until
    when pending deliveries are not to be tried, as in quiet hours.
    """

    news: tuple[Told, ...]
    next_deadline: datetime | None
    pending_deliveries: tuple[str, ...]
    ended: bool
    not_before: datetime | None = None
    put_off: dict[str, datetime] = field(default_factory=dict)
