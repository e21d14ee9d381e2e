"""What can happen to an execution. Every event has an id that is applied once (law 2).

Only ids, codes, numbers and instants: words and evidence stand in rows of their own and are
referred to by id (law 16). Instants are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator

from domain.calendars import CalendarSnapshot
from domain.playbook.definition import Role, Value


@dataclass(frozen=True, slots=True)
class Actor:
    """Who caused an event. `member` is None for the system itself (a deadline, intake)."""

    member: str | None = None
    roles: tuple[Role, ...] = ()
    on_behalf_of: str | None = None


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Started:
    """Transition 0. `fields` are the subject fields that the definition reads, as known now."""

    fields: dict[str, Value]
    calendar: CalendarSnapshot
    parameters: dict[str, str]
    cause: str = "by_hand"  # a reason code: by_hand, api, situation, demo
    fields_version: int = 0
    reason: str | None = None
    kind: Literal["started"] = "started"


@dataclass(frozen=True, slots=True)
class StepCompleted:
    """`answers` holds coded evidence; `evidence` maps the other fields to ids of their rows.

    `occurred_at` is when the work was done, where that is earlier than now (a call on Friday that
    is logged on Monday): it decides whether the step was in time (law 11).
    """

    step: str
    occurrence: int = 1
    choice: str | None = None
    answers: dict[str, Value] | None = None
    evidence: dict[str, str] | None = None
    occurred_at: datetime | None = None
    kind: Literal["step_completed"] = "step_completed"


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """Only for steps that are not required. `reason` is the id of the words."""

    step: str
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["step_skipped"] = "step_skipped"


@dataclass(frozen=True, slots=True)
class WaiverRequested:
    step: str
    occurrence: int = 1
    reason: str | None = None
    expires_at: datetime | None = None
    kind: Literal["waiver_requested"] = "waiver_requested"


@dataclass(frozen=True, slots=True)
class WaiverDecided:
    """By another person than who asked, holding the approver's role."""

    step: str
    approved: bool
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["waiver_decided"] = "waiver_decided"


@dataclass(frozen=True, slots=True)
class WaitingStarted:
    """Waiting on the customer: stops the net clock until `follow_up_at`."""

    step: str
    reason_code: str
    follow_up_at: datetime
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["waiting_started"] = "waiting_started"


@dataclass(frozen=True, slots=True)
class WaitingEnded:
    step: str
    occurrence: int = 1
    kind: Literal["waiting_ended"] = "waiting_ended"


@dataclass(frozen=True, slots=True)
class Snoozed:
    """Hides the step from the inbox until then; the due time stays."""

    step: str
    until: datetime
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["snoozed"] = "snoozed"


@dataclass(frozen=True, slots=True)
class Reassigned:
    step: str
    to: str
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["reassigned"] = "reassigned"


@dataclass(frozen=True, slots=True)
class Reopened:
    """A closed step is worked on again; what opened because of it stays open."""

    step: str
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["reopened"] = "reopened"


@dataclass(frozen=True, slots=True)
class HandOffDecided:
    step: str
    accepted: bool
    occurrence: int = 1
    reason: str | None = None
    kind: Literal["hand_off_decided"] = "hand_off_decided"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody told of an escalation has seen it: the ladder waits a while, then goes on."""

    step: str
    occurrence: int = 1
    kind: Literal["acknowledged"] = "acknowledged"


@dataclass(frozen=True, slots=True)
class FactArrived:
    """A fact of the subject that may complete or pre-fill a step ("touch.meeting")."""

    fact: str
    fact_id: str
    occurred_at: datetime
    answers: dict[str, Value] | None = None
    kind: Literal["fact_arrived"] = "fact_arrived"


@dataclass(frozen=True, slots=True)
class FieldsChanged:
    """New values of subject fields that the definition reads; `version` orders them."""

    fields: dict[str, Value]
    version: int
    kind: Literal["fields_changed"] = "fields_changed"


@dataclass(frozen=True, slots=True)
class TeamChanged:
    """`role` on the account is now held by `receiver`; the giver's open steps go along."""

    role: Role
    giver: str | None
    receiver: str
    kind: Literal["team_changed"] = "team_changed"


@dataclass(frozen=True, slots=True)
class CalendarChanged:
    calendar: CalendarSnapshot
    kind: Literal["calendar_changed"] = "calendar_changed"


@dataclass(frozen=True, slots=True)
class DeliveryEnded:
    """The result of a delivery that a step waits for."""

    step: str
    delivered: bool
    occurrence: int = 1
    kind: Literal["delivery_ended"] = "delivery_ended"


@dataclass(frozen=True, slots=True)
class Paused:
    """`by` names who holds it paused: "person", or the id of the suspending execution."""

    by: str = "person"
    reason: str | None = None
    kind: Literal["paused"] = "paused"


@dataclass(frozen=True, slots=True)
class Resumed:
    by: str = "person"
    reason: str | None = None
    kind: Literal["resumed"] = "resumed"


class CancelCode(StrEnum):
    """Why an execution ends early."""

    withdrawn = "withdrawn"
    superseded = "superseded"
    false_alarm = "false_alarm"
    not_needed = "not_needed"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Ends as neutral: `code` is a CancelCode."""

    code: str = CancelCode.withdrawn.value
    reason: str | None = None
    kind: Literal["cancelled"] = "cancelled"


@dataclass(frozen=True, slots=True)
class Migrated:
    """Moved to another version of its playbook (law 6), whose definition the shell hands along.

    `version` is its id, `number` its number; `before` is the content hash that it leaves. `fields`
    are the subject fields that the new definition reads, as known now (law 15).
    """

    version: str
    content_hash: str
    number: int
    before: str
    fields: dict[str, Value]
    fields_version: int = 0
    reason: str | None = None
    kind: Literal["migrated"] = "migrated"


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A deadline of the state itself. Its id is its key and generation, whoever settles it."""

    key: str
    generation: int
    kind: Literal["deadline_passed"] = "deadline_passed"


Body = Annotated[
    Started
    | StepCompleted
    | StepSkipped
    | WaiverRequested
    | WaiverDecided
    | WaitingStarted
    | WaitingEnded
    | Snoozed
    | Reassigned
    | Reopened
    | HandOffDecided
    | Acknowledged
    | FactArrived
    | FieldsChanged
    | TeamChanged
    | CalendarChanged
    | DeliveryEnded
    | Paused
    | Resumed
    | Cancelled
    | Migrated
    | DeadlinePassed,
    Discriminator("kind"),
]


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    body: Body
    actor: Actor = SYSTEM
