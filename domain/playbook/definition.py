"""What a playbook says: the compiled, frozen form that the machine runs.

The parser makes it from YAML, the checker vouches for it, publishing hashes it. Everything is a
plain frozen value, so one pydantic TypeAdapter turns it into JSON and back unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator


class Role(StrEnum):
    """What a member may be in an organization, and on an account team."""

    csm = "csm"
    account_manager = "account_manager"
    director = "director"
    executive = "executive"
    finance = "finance"
    support = "support"
    product = "product"
    marketing = "marketing"
    ops = "ops"
    auditor = "auditor"
    admin = "admin"


class Subject(StrEnum):
    account = "account"
    contact = "contact"
    team = "team"
    organization = "organization"


class Unit(StrEnum):
    """Elapsed units are exact seconds; business units need the execution's calendar."""

    minute = "minute"
    hour = "hour"
    day = "day"
    week = "week"
    business_hour = "business_hour"
    business_day = "business_day"


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of time, never negative. A day is 24 elapsed hours, a week is 7 such days."""

    amount: int
    unit: Unit


class Anchor(StrEnum):
    """What a time is counted from."""

    start = "start"  # the execution's start
    phase_start = "phase_start"  # of the step's own phase
    phase_end = "phase_end"  # of the step's own phase
    opening = "opening"  # of the step itself
    step = "step"  # another step's close, named by `ref`
    field = "field"  # a date on the subject, named by `ref`


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """`offset` after (or before) an anchor: "48 hours after phase start"."""

    offset: Duration
    anchor: Anchor
    before: bool = False
    ref: str | None = None


# --- conditions ---------------------------------------------------------------------------


class Op(StrEnum):
    """`below`, `above` are strict (70.0 is not above 70); `at_least`, `at_most` include."""

    below = "below"
    above = "above"
    at_least = "at_least"
    at_most = "at_most"
    equals = "is"
    not_equals = "is_not"
    one_of = "in"
    within_days = "within_days"  # a date field at most N days ahead of now, and not past
    older_than_days = "older_than_days"  # a date field more than N days ago
    known = "known"  # true: has a value; false: has none


Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against a value. A field without data makes every comparison but `known` false."""

    field: str
    op: Op
    value: Value | tuple[str | int | float, ...]
    kind: Literal["compare"] = "compare"


@dataclass(frozen=True, slots=True)
class StepIs:
    """A step's recorded choice ("choice"), or its status ("status")."""

    step: str
    attribute: str  # "choice" | "status"
    value: str
    kind: Literal["step_is"] = "step_is"


@dataclass(frozen=True, slots=True)
class AllOf:
    conditions: tuple[Condition, ...]
    kind: Literal["all"] = "all"


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple[Condition, ...]
    kind: Literal["any"] = "any"


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition
    kind: Literal["not"] = "not"


Condition = Annotated[Compare | StepIs | AllOf | AnyOf | Not, Discriminator("kind")]


# --- people -------------------------------------------------------------------------------


class RecipientKind(StrEnum):
    role = "role"  # the holder of `role` on the account team, else in the organization
    assignee = "assignee"  # who holds the step now
    owner = "owner"  # the holder of the playbook's owner role
    manager = "manager"  # the manager of who holds the step now
    contact = "contact"  # the customer contact of the execution


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody by part, never by name; the shell resolves it to people when it is told."""

    kind: RecipientKind
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class LadderLevel:
    """One level: fires `after` the step is due; tells people; may hand the step to another role."""

    after: Duration
    tell: tuple[Recipient, ...]
    takes_over: Role | None = None
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Ladder:
    """Ordered levels. An acknowledgement holds back the levels to come by `acknowledged_for`."""

    key: str
    levels: tuple[LadderLevel, ...]
    acknowledged_for: Duration
    source: str = ""  # where the numbers come from, or "our choice"


# --- steps --------------------------------------------------------------------------------


class StepKind(StrEnum):
    task = "task"
    approval = "approval"
    hand_off = "hand_off"
    mail = "mail"
    notify = "notify"
    survey = "survey"
    wait = "wait"
    branch = "branch"
    webhook = "webhook"
    crm_update = "crm_update"
    start_playbook = "start_playbook"


NOT_EXECUTED_YET: frozenset[StepKind] = frozenset({StepKind.mail, StepKind.start_playbook})
"""Parsed and checked, but publishing a playbook that uses one is refused: `not_supported_yet`."""


class EvidenceType(StrEnum):
    text = "text"
    number = "number"
    choice = "choice"
    date = "date"
    datetime = "datetime"
    link = "link"
    file = "file"
    contact = "contact"
    touch = "touch"
    member = "member"


CODED_EVIDENCE: frozenset[EvidenceType] = frozenset(
    {EvidenceType.number, EvidenceType.choice, EvidenceType.date, EvidenceType.datetime}
)
"""Types whose values are codes, numbers and instants: the machine may read them (law 16)."""


@dataclass(frozen=True, slots=True)
class EvidenceField:
    """One field of the form a step asks for. `prefill` names a subject field to start from."""

    key: str
    type: EvidenceType
    title: str
    required: bool = True
    choices: tuple[str, ...] = ()
    prefill: str | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a person's decision."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Another occurrence every `every`, from the first opening, until the phase ends or `times`."""

    every: Duration
    until_phase_end: bool = True
    times: int | None = None


@dataclass(frozen=True, slots=True)
class HandOff:
    """The giver offers; a holder of `to` accepts or declines within `accept_within`."""

    to: Role
    accept_within: Duration


@dataclass(frozen=True, slots=True)
class Survey:
    """Asked at opening; one reminder; closes without an answer. Kind `nps` answers 0-10."""

    kind: str
    reminder_after: Duration | None
    closes_after: Duration


@dataclass(frozen=True, slots=True)
class Wait:
    """Ends after `duration`, at `until`, or when `condition` holds; `at_most` limits the last."""

    duration: Duration | None = None
    until: TimeSpec | None = None
    condition: Condition | None = None
    at_most: Duration | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One way of a branch on data: the first whose condition holds gives the choice."""

    choice: str
    when: Condition | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What an outgoing step sends: an event name and the subject fields that go along."""

    event: str
    fields: tuple[str, ...] = ()
    tell: tuple[Recipient, ...] = ()
    urgent: bool = False
    waits_for_result: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A unit of work, ownership and SLA. `opens` and `due` are None where nothing limits them.

    A step opens when its phase has begun, every step in `after` is closed, `opens` has come, and
    `when` holds at that instant (otherwise it is closed as `not_needed`).
    """

    key: str
    title: str
    kind: StepKind
    owner: Role
    instructions: str = ""
    required: bool = False
    opens: TimeSpec | None = None
    due: TimeSpec | None = None
    after: tuple[str, ...] = ()
    when: Condition | None = None
    evidence: tuple[EvidenceField, ...] = ()
    choices: tuple[Choice, ...] = ()
    cases: tuple[Case, ...] = ()
    repeat: Repeat | None = None
    completes_on: tuple[str, ...] = ()  # fact kinds: "touch.meeting", "survey.response"
    prefills_on: tuple[str, ...] = ()
    reminders: tuple[Duration, ...] = ()  # before due, longest first
    ladder: str | None = None  # key into Definition.ladders; None: the playbook's own
    waiting_limit: Duration = Duration(14, Unit.day)
    approver: Role | None = None  # who decides an approval, and who approves a waiver
    hand_off: HandOff | None = None
    survey: Survey | None = None
    wait: Wait | None = None
    outgoing: Outgoing | None = None
    starts_playbook: str | None = None
    urgent: bool = False  # its opening is told at once instead of in the digest
    priority: int = 2  # 1 first .. 4 last
    source: str = ""  # where the number comes from, or "our choice"


@dataclass(frozen=True, slots=True)
class Phase:
    """Begins at `starts` after the execution's start; None: when the phase before is closed."""

    key: str
    title: str
    steps: tuple[Step, ...]
    starts: Duration | None = None
    ends: Duration | None = None  # after the execution's start
    source: str = ""  # where the numbers come from, or "our choice"


# --- outcome ------------------------------------------------------------------------------


class OutcomeKind(StrEnum):
    success = "success"
    failure = "failure"
    neutral = "neutral"


@dataclass(frozen=True, slots=True)
class Exit:
    """Closes the execution when all of its parts hold at once.

    `after`: these steps are closed. `required_done`: every required step is completed or waived.
    `held_for`: the condition has been true without a break for so long.
    """

    outcome: OutcomeKind
    code: str
    when: Condition | None = None
    after: tuple[str, ...] = ()
    required_done: bool = False
    held_for: Duration | None = None
    source: str = ""  # where the numbers come from, or "our choice"


@dataclass(frozen=True, slots=True)
class Trigger:
    """When the diagnostic or a fact proposes this playbook."""

    on: tuple[str, ...] = ()
    when: Condition | None = None
    schedule: str | None = None
    segment_entered: str | None = None
    segment_left: str | None = None
    anchor: TimeSpec | None = None
    cooldown: Duration | None = None
    auto_start: bool = False
    load_cap: int | None = None
    holdout: float = 0.0
    source: str = ""  # where the numbers come from, or "our choice"


@dataclass(frozen=True, slots=True)
class ExpectedOutcome:
    when: Condition
    within: Duration
    source: str = ""  # where the numbers come from, or "our choice"


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """The codes that a parameter of the start may have."""

    parameter: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """One playbook version, whole. Its content hash is taken over its canonical JSON."""

    key: str
    name: str
    subject: Subject
    owner: Role
    summary: str
    phases: tuple[Phase, ...]
    exits: tuple[Exit, ...]
    ladders: tuple[Ladder, ...] = ()
    escalation: str | None = None  # the ladder of steps that name none
    trigger: Trigger | None = None
    expected_outcome: ExpectedOutcome | None = None
    concurrency_key: str | None = None  # a start parameter's name, as "alert"
    parameters: tuple[str, ...] = ()  # codes that a start may carry, readable as "start.<name>"
    suspends: tuple[str, ...] = ()
    precedence: int = 0
    enabled_at_first: bool = False
    reads: tuple[str, ...] = field(default=())  # every subject field named anywhere; by the checker
    parameter_values: tuple[AllowedValues, ...] = ()  # a parameter not in it takes any code

    def allowed_codes(self, parameter: str) -> tuple[str, ...] | None:
        """The codes that a parameter may have; None where any is allowed."""
        found = (each.values for each in self.parameter_values if each.parameter == parameter)
        return next(found, None)

    def steps(self) -> tuple[Step, ...]:
        """Every step, in order of phases."""
        return tuple(step for phase in self.phases for step in phase.steps)
