"""What a transition causes beside the new state. The shell carries these out; it decides nothing.

Steps are rewritten from the difference of the states; commands say what has to be told, sent or
done elsewhere, and give the timeline its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Discriminator

from domain.playbook.definition import OutcomeKind, Outgoing, Recipient, Role


@dataclass(frozen=True, slots=True)
class StepOpened:
    """An in-app notice for the assignee; mail at once only where `urgent`, else in the digest."""

    step: str
    occurrence: int
    due_at: datetime | None
    owner: Role
    urgent: bool
    kind: Literal["step_opened"] = "step_opened"


@dataclass(frozen=True, slots=True)
class StepClosed:
    """`status` is a StepStatus. `late`: the work came after due; `logged_late`: only its log."""

    step: str
    occurrence: int
    status: str
    late: bool = False
    logged_late: bool = False
    kind: Literal["step_closed"] = "step_closed"


@dataclass(frozen=True, slots=True)
class Remind:
    """Before due: tells the assignee."""

    step: str
    occurrence: int
    due_at: datetime
    kind: Literal["remind"] = "remind"


@dataclass(frozen=True, slots=True)
class Breached:
    """The due instant passed unmet. Told by the ladder; kept as a record of its own."""

    step: str
    occurrence: int
    due_at: datetime
    kind: Literal["breached"] = "breached"


@dataclass(frozen=True, slots=True)
class Escalate:
    """Ladder level (from 1) fires: tells `tell`; a role may take the step over."""

    step: str
    occurrence: int
    level: int
    tell: tuple[Recipient, ...]
    takes_over: Role | None
    urgent: bool
    due_at: datetime
    kind: Literal["escalate"] = "escalate"


@dataclass(frozen=True, slots=True)
class Tell:
    """Any other notice, by code: follow_up, hand_off_offered, hand_off_declined,
    waiver_requested, waiver_decided, survey_unanswered, waiver_expired, reassigned, reopened,
    delivery_failed."""

    code: str
    step: str | None
    occurrence: int
    tell: tuple[Recipient, ...]
    urgent: bool
    kind: Literal["tell"] = "tell"


@dataclass(frozen=True, slots=True)
class Send:
    """An outgoing message: channel "survey" to the customer contact, "webhook", "crm", "notify"."""

    step: str
    occurrence: int
    channel: str
    outgoing: Outgoing
    ordinal: int = 1
    kind: Literal["send"] = "send"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A named receiver accepted: the account team's `role` moves from `giver` to `receiver`."""

    role: Role
    giver: str | None
    receiver: str
    kind: Literal["handed_over"] = "handed_over"


@dataclass(frozen=True, slots=True)
class SuspendPlaybooks:
    """Open executions of these playbooks for the same subject are paused by events of their own."""

    playbooks: tuple[str, ...]
    kind: Literal["suspend_playbooks"] = "suspend_playbooks"


@dataclass(frozen=True, slots=True)
class ResumePlaybooks:
    playbooks: tuple[str, ...]
    kind: Literal["resume_playbooks"] = "resume_playbooks"


@dataclass(frozen=True, slots=True)
class Ended:
    outcome: OutcomeKind
    code: str
    kind: Literal["ended"] = "ended"


Command = Annotated[
    StepOpened
    | StepClosed
    | Remind
    | Breached
    | Escalate
    | Tell
    | Send
    | HandedOver
    | SuspendPlaybooks
    | ResumePlaybooks
    | Ended,
    Discriminator("kind"),
]
