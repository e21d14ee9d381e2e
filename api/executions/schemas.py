"""Executions and their steps as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from api.shapes import Body, Code, Prose, View
from domain.playbook.definition import EvidenceType, OutcomeKind, Role, StepKind, Subject, Value
from domain.playbook.events import CancelCode
from domain.playbook.moves import Move
from domain.playbook.state import ExecutionStatus, StepStatus

MOST_AT_ONCE = 100
"""Executions that one request starts: a choice; one transaction, a few hundred milliseconds."""

Parameter = Annotated[str, Field(min_length=1, max_length=200)]


class StartBody(Body):
    """Of account, contact and team at most one; none is the organization itself."""

    playbook: Code
    account: UUID | None = None
    contact: UUID | None = None
    parameters: Annotated[dict[Code, Parameter], Field(max_length=20)] = Field(default_factory=dict)
    reason: Prose | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> StartBody:
        if self.account is not None and self.contact is not None:
            raise ValueError("name the account or the contact, not both")
        return self


class StartManyBody(Body):
    """One playbook for each of these accounts."""

    playbook: Code
    accounts: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]
    parameters: Annotated[dict[Code, Parameter], Field(max_length=20)] = Field(default_factory=dict)
    reason: Prose | None = None

    @field_validator("accounts")
    @classmethod
    def _each_once(cls, accounts: list[UUID]) -> list[UUID]:
        if len(set(accounts)) < len(accounts):
            raise ValueError("name each account once")
        return accounts


class ReasonBody(Body):
    reason: Prose | None = None


class CancelBody(Body):
    """Ends the execution as neutral, with why."""

    code: CancelCode = CancelCode.withdrawn
    reason: Prose | None = None


class MigrateBody(Body):
    """Without `version`, the one that is enabled. A dry run answers with what would change."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    dry_run: bool = False
    reason: Prose | None = None


class FormField(View):
    """One field that completing the step asks for; `value` is what is known already."""

    key: str
    type: EvidenceType
    title: str
    required: bool
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    value: Value = None


class ChoiceView(View):
    key: str
    title: str


class WaitingView(View):
    since: datetime
    reason_code: str
    follow_up_at: datetime


class WaiverView(View):
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    expires_at: datetime | None


class EvidenceView(View):
    """One value that was given; an amendment is a later value of the same field."""

    id: UUID
    field: str
    type: str
    value: str
    author: UUID | None = Field(validation_alias="author_id")
    at: datetime = Field(validation_alias="created_at")


class StepView(View):
    """One occurrence. `due_at` is net of waiting, `first_due_at` gross; `waited` in seconds.

    `assignee` is the member who was named, `held_by` who holds it now.
    """

    step: str
    occurrence: int
    phase: str
    title: str
    instructions: str
    kind: StepKind
    status: StepStatus
    required: bool
    priority: int
    owner: Role
    approver: Role | None
    assignee: UUID | None
    held_by: UUID | None
    opens_at: datetime | None
    opened_at: datetime | None
    due_at: datetime | None
    first_due_at: datetime | None
    closed_at: datetime | None
    occurred_at: datetime | None
    breached_at: datetime | None
    late: bool
    logged_late: bool
    waiting: WaitingView | None
    waited: int
    snoozed_until: datetime | None
    waiver: WaiverView | None
    level: int
    acknowledged_level: int
    choice: str | None
    answers: dict[str, Value]
    form: list[FormField]
    choices: list[ChoiceView]
    evidence: list[EvidenceView] = Field(default_factory=list)


class PhaseView(View):
    key: str
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    started: bool


class ExecutionSummary(View):
    id: UUID
    playbook: str
    status: ExecutionStatus
    account: UUID | None
    account_name: str | None
    contact: UUID | None
    cause: str
    number: int
    started_at: datetime
    next_deadline: datetime | None
    outcome: OutcomeKind | None
    outcome_code: str | None
    ended_at: datetime | None


class ExecutionView(View):
    """An execution after transition `number`. Instants are UTC, spans are seconds."""

    id: UUID
    playbook: str
    playbook_name: str
    version: int
    status: ExecutionStatus
    number: int
    subject_kind: Subject
    subject: UUID
    account: UUID | None
    account_name: str | None
    contact: UUID | None
    cause: str
    parameters: dict[str, str]
    started_by: UUID | None
    started_at: datetime
    last_at: datetime
    next_deadline: datetime | None
    paused_at: datetime | None
    paused_for: int
    outcome: OutcomeKind | None
    outcome_code: str | None
    ended_at: datetime | None
    phases: list[PhaseView]
    steps: list[StepView]


class Standing(View):
    """Where an execution stands after transition `number`; read it whole by its id."""

    id: UUID
    playbook: str
    playbook_name: str
    status: ExecutionStatus
    number: int
    started_at: datetime
    last_at: datetime
    next_deadline: datetime | None
    paused_at: datetime | None
    outcome: OutcomeKind | None
    outcome_code: str | None
    ended_at: datetime | None


class CommandAnswer(View):
    """What a command left; `repeated` where its key had been answered before.

    `step` is the one that it named, `others` those that it opened or closed beside it.
    """

    repeated: bool
    execution: Standing
    step: StepView | None = None
    others: list[StepView]


class StartResult(View):
    """What became of one account: `code` and `detail` as in a problem where it did not start."""

    account: UUID
    started: bool
    execution: UUID | None = None
    code: str | None = None
    detail: str | None = None


class StartManyAnswer(View):
    """`execution` of one that was refused is the open one that stands in its way, if any."""

    started: int
    refused: int
    results: list[StartResult]


class StepMoveView(View):
    """What becomes of one occurrence; `moves`: it stays, at another time."""

    step: str
    occurrence: int
    title: str
    move: Move
    moves: bool
    due_before: datetime | None
    due_after: datetime | None
    opens_before: datetime | None
    opens_after: datetime | None


class MigrationPreview(View):
    """What moving to version `after` would do now. `outcome`: it would end by that."""

    dry_run: Literal[True] = True
    playbook: str
    before: int
    after: int
    steps: list[StepMoveView]
    next_deadline_before: datetime | None
    next_deadline_after: datetime | None
    outcome: OutcomeKind | None
    outcome_code: str | None


class TimelineEntry(View):
    """One transition: what happened, by whom, why, and what it caused.

    `late`: settled over a minute after the instant it counts for. `event` and `caused` hold codes,
    ids, numbers and instants; `words` the texts that they name, by id.
    """

    number: int
    kind: str
    at: datetime
    recorded_at: datetime
    late: bool
    actor: UUID | None
    on_behalf_of: UUID | None
    reason_code: str | None
    event: dict[str, Any]
    caused: list[dict[str, Any]]
    words: dict[str, str]
