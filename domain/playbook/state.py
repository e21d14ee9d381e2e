"""The whole state of an execution, as one plain value. Instants are aware UTC datetimes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.calendars import CalendarSnapshot
from domain.playbook.definition import OutcomeKind, Phase, Role, Value

ENGINE_REVISION = 1
"""The newest revision of `advance` that this code knows (law 6)."""


class ExecutionStatus(StrEnum):
    running = "running"
    paused = "paused"
    ended = "ended"


class StepStatus(StrEnum):
    scheduled = "scheduled"  # its needs are met, its time has not come
    open = "open"
    waiting = "waiting"  # on the customer
    offered = "offered"  # a hand-off that the receiver has not answered
    sending = "sending"  # waits for the result of its delivery
    completed = "completed"
    skipped = "skipped"
    waived = "waived"
    not_needed = "not_needed"  # its condition was false
    withdrawn = "withdrawn"  # the execution ended first, or its new version lacks the step
    unanswered = "unanswered"  # a survey that closed without an answer
    expired = "expired"  # a wait on a condition that ran into its limit


CLOSED = frozenset(
    {
        StepStatus.completed,
        StepStatus.skipped,
        StepStatus.waived,
        StepStatus.not_needed,
        StepStatus.withdrawn,
        StepStatus.unanswered,
        StepStatus.expired,
    }
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when and for what we wait on the customer."""

    since: datetime
    reason_code: str
    follow_up_at: datetime


@dataclass(frozen=True, slots=True)
class Waiver:
    """`requested_for` is who it was asked on behalf of; neither may approve it."""

    requested_by: str
    requested_at: datetime
    approved_by: str | None = None
    expires_at: datetime | None = None
    requested_for: str | None = None


@dataclass(frozen=True, slots=True)
class StepState:
    """One occurrence of a step that has been scheduled or opened; others are not in the state.

    `generation` counts re-arms, so that a deadline's id never means two things. `due_at` is net:
    waiting on the customer moves it; `first_due_at` is gross and moves by a pause only.
    """

    key: str
    occurrence: int
    status: StepStatus
    owner: Role
    assignee: str | None = None  # a member, once one was named; otherwise the holder of `owner`
    opens_at: datetime | None = None
    opened_at: datetime | None = None
    due_at: datetime | None = None
    first_due_at: datetime | None = None
    closed_at: datetime | None = None
    occurred_at: datetime | None = None
    breached_at: datetime | None = None
    reminders_told: int = 0
    levels_fired: int = 0
    acknowledged_level: int = 0
    ladder_shift: int = 0  # seconds by which acknowledgements hold the levels to come
    waiting: Waiting | None = None
    waited: int = 0  # seconds
    snoozed_until: datetime | None = None
    waiver: Waiver | None = None
    choice: str | None = None
    answers: dict[str, Value] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)  # field -> id of its row or fact
    closes_at: datetime | None = None  # a survey's or a wait's limit
    reminder_at: datetime | None = None  # a survey's
    generation: int = 0


@dataclass(frozen=True, slots=True)
class PhaseState:
    """`generation` is the migration that laid it out, so that its deadline's id stays its own."""

    key: str
    starts_at: datetime | None
    ends_at: datetime | None
    started: bool = False
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that has ended: what is counted from before its end is moved by it."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class State:
    """`number` is the last transition's; `fields` the subject's, with the version they came in.

    `former` holds the rules of steps that came up under a version it has left, and that its own
    version lacks: so they can be shown for as long as the execution is.
    """

    number: int
    status: ExecutionStatus
    engine: int
    started_at: datetime
    last_at: datetime
    calendar: CalendarSnapshot
    fields: dict[str, Value]
    fields_version: int
    parameters: dict[str, str]
    phases: tuple[PhaseState, ...]
    steps: tuple[StepState, ...]
    held_since: dict[str, datetime] = field(default_factory=dict)  # exit code -> since
    held_passed: tuple[str, ...] = ()  # exits whose "held for" has passed
    paused_at: datetime | None = None
    paused_by: tuple[str, ...] = ()
    paused_for: int = 0  # seconds, summed over ended pauses
    pauses: tuple[Pause, ...] = ()
    outcome: OutcomeKind | None = None
    outcome_code: str | None = None
    ended_at: datetime | None = None
    migrations: int = 0
    former: tuple[Phase, ...] = ()
