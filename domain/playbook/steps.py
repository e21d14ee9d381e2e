"""The language of steps: what each kind of step may say, and how it becomes a Step."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from domain.playbook.blocks import Block, ConditionShape
from domain.playbook.definition import (
    Anchor,
    Case,
    Choice,
    Duration,
    EvidenceField,
    EvidenceType,
    HandOff,
    Outgoing,
    Recipient,
    RecipientKind,
    Repeat,
    Role,
    Step,
    StepKind,
    Survey,
    Unit,
    Wait,
)
from domain.playbook.shapes import (
    Flag,
    Key,
    ListOf,
    MapOf,
    Named,
    Number,
    Pattern,
    Reading,
    Schema,
    Text,
    TimeShape,
    Values,
    Word,
    duration,
    fact_name,
    field_name,
    key,
    shown,
    suggestion,
)
from domain.playbook.source import Node, Scalar
from domain.playbook.spans import length

NO_TIME = Duration(0, Unit.hour)
"""Stands where a duration could not be read; the fault is in the findings."""

APPROVAL_CHOICES = (("approved", "Approve"), ("declined", "Decline"))
"""What an approval that names no choices of its own offers."""


BY_ANSWER = ("survey.response",)
"""The fact that completes a survey which names none."""


class Until(StrEnum):
    """When a repeat stops by itself."""

    phase_end = "phase ends"


class SurveyKind(StrEnum):
    nps = "nps"
    csat = "csat"


class RecipientShape:
    """A role, or a part in the execution: assignee, owner, manager, contact."""

    parts = tuple(kind.value for kind in RecipientKind if kind is not RecipientKind.role)

    def read(self, node: Node, reading: Reading) -> Recipient | None:
        value = node.value if isinstance(node, Scalar) else None
        if value in self.parts:
            return Recipient(RecipientKind(str(value)))
        roles = [role.value for role in Role]
        if value in roles:
            return Recipient(RecipientKind.role, Role(str(value)))
        reading.fault(
            node,
            "unknown_role",
            f"{shown(node)} is neither a role nor a part in the execution.",
            suggestion(str(value), [*roles, *self.parts]),
        )
        return None

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"enum": [*(role.value for role in Role), *self.parts]}


def role() -> Word:
    return Word(Role, "unknown_role")


def recipients() -> ListOf:
    return ListOf(RecipientShape(), most=20)


def title_of(name: str) -> str:
    """ "meeting_at" -> "Meeting at": what a field is called where nobody said it better."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _evidence(values: Values, reading: Reading) -> EvidenceField:
    name = values.get("field", "")
    return EvidenceField(
        key=name,
        type=values.get("type", EvidenceType.text),
        title=values.get("title", title_of(name)),
        required=values.get("required", True),
        choices=values.get("choices", ()),
        prefill=values.get("prefill"),
        minimum=values.get("minimum"),
        maximum=values.get("maximum"),
    )


EVIDENCE = Block(
    "evidence field",
    "One field of the form that completing the step asks for.",
    (
        Key(
            "field",
            Pattern(r"^[a-z][a-z0-9_]*$", "bad_evidence_key", "meeting_at"),
            "its key, unique in the step",
            required=True,
        ),
        Key("type", Word(EvidenceType, "unknown_type"), "what is asked for", required=True),
        Key("title", Text(), "its label; by default made of the key"),
        Key("required", Flag(), "whether it has to be filled; true by default"),
        Key("choices", ListOf(key(), or_one=False, least=2), "the answers of a choice"),
        Key("prefill", field_name(), "the field of the subject that fills it at first"),
        Key("minimum", Number(-1e12, 1e12, fractions=True), "the least number allowed"),
        Key("maximum", Number(-1e12, 1e12, fractions=True), "the greatest number allowed"),
    ),
    _evidence,
)

CASE = Block(
    "case",
    "One way of a branch on data; the first case whose condition holds gives the choice.",
    (
        Key("choice", key(), "the choice that it makes", required=True),
        Key("when", ConditionShape(), "its condition; without one it always holds"),
    ),
    lambda values, reading: Case(values.get("choice", ""), values.get("when")),
)

REPEAT = Block(
    "repeat",
    "More occurrences of the step, counted from its first opening.",
    (
        Key("every", duration(), "the time between two openings", required=True),
        Key("until", Word(Until, "unknown_until"), "stops with the phase, as it does by default"),
        Key("times", Number(2, 500), "how many occurrences there are at most"),
    ),
    lambda values, reading: Repeat(
        every=values.get("every", NO_TIME),
        until_phase_end=values.get("until") is not None or values.get("times") is None,
        times=values.get("times"),
    ),
)

HAND_OFF = Block(
    "hand-off",
    "The receiver of a hand-off, who accepts or declines.",
    (
        Key("to", role(), "the role that receives", required=True),
        Key("accept_within", duration(), "the receiver's time to answer", required=True),
    ),
    lambda values, reading: HandOff(
        values.get("to", Role.csm), values.get("accept_within", NO_TIME)
    ),
)

SURVEY = Block(
    "survey",
    "A question to the customer contact, with one reminder; it closes without an answer.",
    (
        Key("kind", Word(SurveyKind, "unknown_survey"), "nps answers 0 to 10", required=True),
        Key("reminder_after", duration(), "when who has not answered is asked once more"),
        Key("closes_after", duration(), "when it closes without an answer", required=True),
    ),
    lambda values, reading: Survey(
        kind=values.get("kind", SurveyKind.nps).value,
        reminder_after=values.get("reminder_after"),
        closes_after=values.get("closes_after", NO_TIME),
    ),
)

WAIT = Block(
    "wait",
    "What a wait ends with: a duration, a time, or a condition with a limit.",
    (
        Key("for", duration(), "a duration from the opening"),
        Key("until", TimeShape(Anchor.opening, "beginning"), "a time"),
        Key("condition", ConditionShape(), "a condition on data or steps"),
        Key("at_most", duration(), "the limit of a condition; then the wait is expired"),
    ),
    lambda values, reading: Wait(
        duration=values.get("for"),
        until=values.get("until"),
        condition=values.get("condition"),
        at_most=values.get("at_most"),
    ),
)

SEND = Block(
    "message",
    "What an outgoing step sends: an event's name and the fields that go along.",
    (
        Key(
            "event",
            Pattern(r"^[a-z0-9_]+(?:\.[a-z0-9_]+)*$", "bad_event", "plan.recorded"),
            "the event's name",
            required=True,
        ),
        Key("fields", ListOf(field_name(), most=50), "fields of the subject that go along"),
        Key("tell", recipients(), "who a notice goes to"),
        Key("urgent", Flag(), "sent at once instead of in the digest"),
        Key("waits_for_result", Flag(), "the step closes when the delivery has ended"),
    ),
    lambda values, reading: Outgoing(
        event=values.get("event", ""),
        fields=values.get("fields", ()),
        tell=values.get("tell", ()),
        urgent=values.get("urgent", False),
        waits_for_result=values.get("waits_for_result", False),
    ),
)


def _step(values: Values, reading: Reading) -> Step:
    name = values.get("step", "")
    reading.place("step", name, values.block)
    reminders: tuple[Duration, ...] = values.get("reminders", ())
    pairs: tuple[tuple[str, str], ...] = values.get("choices", ())
    kind = values.get("kind", StepKind.task)
    if kind is StepKind.approval and not pairs:
        pairs = APPROVAL_CHOICES
    given: dict[str, Any] = {}
    if values.get("waiting_limit") is not None:
        given["waiting_limit"] = values.get("waiting_limit")
    return Step(
        key=name,
        title=values.get("title", ""),
        kind=kind,
        owner=values.get("owner", Role.csm),
        instructions=values.get("instructions", ""),
        required=values.get("required", False),
        opens=values.get("opens"),
        due=values.get("due"),
        after=values.get("after", ()),
        when=values.get("when"),
        evidence=values.get("evidence", ()),
        choices=tuple(Choice(choice, title) for choice, title in pairs),
        cases=values.get("cases", ()),
        repeat=values.get("repeat"),
        completes_on=values.get("completes_on", BY_ANSWER if kind is StepKind.survey else ()),
        prefills_on=values.get("prefills_on", ()),
        reminders=tuple(sorted(reminders, key=length, reverse=True)),
        ladder=values.get("escalation"),
        approver=values.get("approver"),
        hand_off=values.get("hand_off"),
        survey=values.get("survey"),
        wait=values.get("wait"),
        outgoing=values.get("send"),
        starts_playbook=values.get("starts_playbook"),
        urgent=values.get("urgent", False),
        priority=values.get("priority", 2),
        source=values.get("source", ""),
        **given,
    )


STEP = Block(
    "step",
    "A unit of work, ownership and SLA.",
    (
        Key("step", key(), "its key, unique in the playbook", required=True),
        Key("title", Text(), "what has to be true afterwards, in one line", required=True),
        Key("kind", Word(StepKind, "unknown_kind"), "its kind; task by default"),
        Key("owner", role(), "the role that owns it; by default the playbook's"),
        Key("instructions", Text(2000), "what helps to do it"),
        Key("required", Flag(), "cannot be skipped, only waived; false by default"),
        Key("opens", TimeShape(Anchor.phase_start, "beginning"), "when it appears in the inbox"),
        Key("due", TimeShape(Anchor.opening, "end"), "when it has to be done; from its opening"),
        Key("after", ListOf(key(Named.step)), "steps that have to be closed before"),
        Key("when", ConditionShape(), "otherwise it is not needed; judged when it opens"),
        Key("evidence", ListOf(EVIDENCE, or_one=False, most=8), "what completing it asks for"),
        Key("choices", MapOf(key(), Text()), "the answers of a person's decision"),
        Key("cases", ListOf(CASE, or_one=False), "the ways of a branch on data"),
        Key("repeat", REPEAT, "occurs again and again"),
        Key("completes_on", ListOf(fact_name()), "facts that complete it"),
        Key("prefills_on", ListOf(fact_name()), "facts that fill in its evidence"),
        Key("reminders", ListOf(duration(), most=5), "how long before due its holder is reminded"),
        Key("escalation", key(Named.ladder), "its ladder; by default the playbook's"),
        Key("waiting_limit", duration(), "how long it may wait on the customer; 14 days"),
        Key("approver", role(), "who decides an approval, and approves a waiver"),
        Key("hand_off", HAND_OFF, "the receiver, where the kind is hand_off"),
        Key("survey", SURVEY, "the question, where the kind is survey"),
        Key("wait", WAIT, "what ends it, where the kind is wait"),
        Key("send", SEND, "the message of a mail, notify, webhook or crm_update"),
        Key("starts_playbook", key(Named.playbook), "where the kind is start_playbook"),
        Key("urgent", Flag(), "its opening is told at once instead of in the digest"),
        Key("priority", Number(1, 4), "1 first to 4 last; 2 by default"),
        Key("source", Text(400), 'where its numbers come from, or "our choice"'),
    ),
    _step,
)
