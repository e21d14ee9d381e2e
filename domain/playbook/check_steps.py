"""What a single step may say: by its kind, its evidence, its times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from domain.playbook.definition import (
    Anchor,
    Definition,
    Duration,
    EvidenceField,
    EvidenceType,
    Phase,
    Step,
    StepKind,
    TimeSpec,
    Unit,
)
from domain.playbook.fields import FieldType, field_type
from domain.playbook.shapes import Named, Reading
from domain.playbook.spans import comparable, length

PEOPLE = frozenset({StepKind.task, StepKind.approval, StepKind.hand_off, StepKind.branch})
"""Kinds that a person works on: they can have evidence, a due time, reminders and a ladder."""

_OF_KIND = {
    "hand_off": {StepKind.hand_off},
    "survey": {StepKind.survey},
    "wait": {StepKind.wait},
    "send": {StepKind.mail, StepKind.notify, StepKind.webhook, StepKind.crm_update},
    "starts_playbook": {StepKind.start_playbook},
    "cases": {StepKind.branch},
    "choices": {StepKind.branch, StepKind.task, StepKind.approval},
}
"""Keys that only some kinds have. A key is needed by all kinds that it names, but the last two."""

_OF_PEOPLE = ("due", "evidence", "reminders", "escalation", "completes_on", "prefills_on")
_PREFILLS = {
    EvidenceType.number: {FieldType.number},
    EvidenceType.date: {FieldType.date},
    EvidenceType.datetime: {FieldType.date},
    EvidenceType.text: {FieldType.text, FieldType.number, FieldType.date},
    EvidenceType.choice: {FieldType.text},
}


def by_people(step: Step) -> bool:
    """Whether a person has to do something for the step to close, as approve a drafted mail."""
    if step.kind is StepKind.mail:
        return step.approver is not None
    return step.kind in PEOPLE and not step.cases


@dataclass(frozen=True, slots=True)
class _Here:
    """One step with its phase, and the way to report about it."""

    step: Step
    phase: Phase
    reading: Reading

    def fault(self, keys: tuple[str, ...], code: str, message: str, fix: str) -> None:
        at = self.reading.at("step", self.step.key, *keys)
        self.reading.fault(at, code, message, fix)

    def says(self, name: str) -> bool:
        return ("step", self.step.key, name) in self.reading.nodes


def check_steps(definition: Definition, reading: Reading) -> None:
    """Adds every fault of single steps to the reading."""
    used = {each.name for each in reading.mentions if each.named is Named.choice}
    for phase in definition.phases:
        for step in phase.steps:
            here = _Here(step, phase, reading)
            _check_kind(here)
            _check_decision(here, used)
            _check_evidence(here)
            _check_times(here)
            _check_repeat(here)
            if by_people(step):
                _check_due(here, definition)


# --- kinds --------------------------------------------------------------------------------


def _check_kind(here: _Here) -> None:
    step = here.step
    for name, kinds in _OF_KIND.items():
        if step.kind in kinds and not here.says(name) and name not in ("cases", "choices"):
            here.fault(
                ("kind",),
                "missing_key",
                f'A step of the kind {step.kind.value} needs "{name}".',
                f'Add "{name}".',
            )
        if step.kind not in kinds and here.says(name):
            here.fault(
                (name,),
                "misplaced_key",
                f'A step of the kind {step.kind.value} has no "{name}".',
                f"Remove it, or change the kind to {' or '.join(sorted(kinds))}.",
            )
    if not by_people(step):
        for name in _OF_PEOPLE:
            if here.says(name) and not (name == "completes_on" and step.kind is StepKind.survey):
                here.fault(
                    (name,),
                    "misplaced_key",
                    f'Nobody works on this step, so it has no "{name}".',
                    "Put it on a task before or after.",
                )
    if step.kind is StepKind.approval and step.approver is None and not here.says("approver"):
        here.fault(
            ("kind",), "missing_key", 'An approval needs "approver".', "Name the role that decides."
        )
    if step.kind is StepKind.notify and step.outgoing is not None and not step.outgoing.tell:
        here.fault(("send",), "missing_key", "A notice needs somebody to tell.", 'Add "tell".')
    if step.wait is not None:
        wait = step.wait
        ends = [wait.duration, wait.until, wait.condition]
        if sum(each is not None for each in ends) != 1:
            here.fault(
                ("wait",),
                "bad_wait",
                "A wait ends in exactly one way.",
                "Give one of for, until and condition.",
            )
        elif (wait.condition is None) != (wait.at_most is None):
            here.fault(
                ("wait",),
                "bad_wait",
                'A condition, and only a condition, needs a limit by "at_most".',
                "Add at_most: 30 days." if wait.condition else "Remove at_most.",
            )
    survey = step.survey
    if (
        survey is not None
        and survey.reminder_after is not None
        and comparable(survey.reminder_after, survey.closes_after)
        and length(survey.reminder_after) >= length(survey.closes_after)
    ):
        here.fault(
            ("survey",),
            "reminder_after_close",
            "The survey closes before its reminder.",
            "Let it close later.",
        )


def _check_decision(here: _Here, used: set[str]) -> None:
    step = here.step
    if step.kind is StepKind.branch and bool(step.choices) == bool(step.cases):
        here.fault(
            ("kind",),
            "bad_branch",
            "A branch is decided either by a person or by data.",
            'Give "choices" for a person, or "cases" for data.',
        )
    if step.kind is StepKind.branch and step.key and step.key not in used:
        here.fault(
            ("choices", "cases"),
            "unused_choice",
            f'Nothing follows from the decision "{step.key}".',
            f"Use it in a condition: {{step: {step.key}, choice: ...}}.",
        )
    if step.choices and len(step.choices) < 2:
        here.fault(("choices",), "one_choice", "One choice is no decision.", "Offer at least two.")
    for case in step.cases[:-1]:
        if case.when is None:
            here.fault(
                ("cases",),
                "case_order",
                f'After the case "{case.choice}", which always holds, no other is looked at.',
                "Put it last.",
            )
    if step.cases and step.cases[-1].when is not None:
        here.fault(
            ("cases",),
            "no_other_case",
            "Where no case holds, nothing is decided.",
            'End with a case without "when".',
        )


def _check_evidence(here: _Here) -> None:
    counts = Counter(each.key for each in here.step.evidence)
    for each in here.step.evidence:
        if counts[each.key] > 1 and each.key:
            here.fault(
                ("evidence",),
                "duplicate_evidence",
                f'Two fields have the key "{each.key}".',
                "Give each a key of its own.",
            )
        _check_evidence_field(here, each)


def _check_evidence_field(here: _Here, each: EvidenceField) -> None:
    if (each.type is EvidenceType.choice) != bool(each.choices):
        here.fault(
            ("evidence",),
            "evidence_choices",
            f'"{each.key}" is of the type {each.type.value}.',
            "Choices go with the type choice, which needs them.",
        )
    bounded = each.minimum is not None or each.maximum is not None
    if bounded and each.type is not EvidenceType.number:
        here.fault(
            ("evidence",),
            "evidence_bounds",
            f'"{each.key}" is not a number, so it has no bounds.',
            "Remove minimum and maximum.",
        )
    elif each.minimum is not None and each.maximum is not None and each.minimum > each.maximum:
        here.fault(
            ("evidence",),
            "evidence_bounds",
            f'No number fits "{each.key}".',
            "Let minimum be below maximum.",
        )
    known = field_type(each.prefill) if each.prefill else None
    if known is not None and known not in _PREFILLS.get(each.type, set()):
        here.fault(
            ("evidence",),
            "evidence_prefill",
            f'"{each.prefill}" is a {known.value} and cannot fill in "{each.key}".',
            f"It asks for a {each.type.value}.",
        )


# --- times --------------------------------------------------------------------------------


def _check_times(here: _Here) -> None:
    step, phase = here.step, here.phase
    for name, spec in (("opens", step.opens), ("due", step.due)):
        if spec is None:
            continue
        if spec.anchor is Anchor.phase_end and phase.ends is None:
            here.fault(
                (name,),
                "no_phase_end",
                f'The phase "{phase.key}" has no end.',
                'Give the phase "ends", or count from something else.',
            )
        if spec.anchor is Anchor.opening and (name == "opens" or spec.before):
            here.fault(
                (name,),
                "due_before_opening" if name == "due" else "opens_from_opening",
                f'"{name}" cannot be counted from the step\'s own opening like this.',
                "Count from the phase, the start or another step.",
            )
    if step.due is None:
        return
    due, opens = _from_start(step.due, phase), None
    if step.opens is not None:
        opens = _from_start(step.opens, phase)
        same_anchor = (step.opens.anchor, step.opens.ref) == (step.due.anchor, step.due.ref)
        if same_anchor and comparable(step.opens.offset, step.due.offset):
            opens, due = _signed(step.opens), _signed(step.due)
    elif phase.starts is not None:
        opens = length(phase.starts)
    else:
        opens = 0
    before_its_step = step.due.before and step.due.anchor is Anchor.step
    if (before_its_step and step.due.ref in step.after) or (
        due is not None and opens is not None and due <= opens
    ):
        here.fault(
            ("due",),
            "due_before_opening",
            f'Step "{step.key}" is due before it opens.',
            "Let it be due later, or open earlier.",
        )


def _signed(spec: TimeSpec) -> int:
    return -length(spec.offset) if spec.before else length(spec.offset)


def _from_start(spec: TimeSpec, phase: Phase) -> int | None:
    """Seconds after the start of the execution, where that is the same under every calendar."""
    base: Duration | None = {
        Anchor.start: Duration(0, Unit.hour),
        Anchor.phase_start: phase.starts,
        Anchor.phase_end: phase.ends,
    }.get(spec.anchor)
    if base is None or not comparable(spec.offset, Duration(1, Unit.hour)):
        return None
    return length(base) + _signed(spec)


def _check_due(here: _Here, definition: Definition) -> None:
    step = here.step
    if step.due is None:
        if step.required and not here.says("due"):
            here.fault(
                ("required", "step"),
                "required_without_due",
                f'Nobody would notice that the required step "{step.key}" is never done.',
                'Give it "due".',
            )
        if step.reminders:
            here.fault(
                ("reminders",),
                "reminder_without_due",
                "There is no due time to remind of.",
                'Give the step "due", or remove the reminders.',
            )
        return
    if step.ladder is None and definition.escalation is None:
        here.fault(
            ("due",),
            "no_ladder",
            f'Nobody would be told that "{step.key}" is late.',
            'Name a ladder by "escalation", on the step or the playbook.',
        )
    if step.due.anchor is Anchor.opening:
        for reminder in step.reminders:
            if comparable(reminder, step.due.offset) and length(reminder) >= length(
                step.due.offset
            ):
                here.fault(
                    ("reminders",),
                    "reminder_before_opening",
                    "The reminder comes before the step opens.",
                    "Make it shorter than the due time.",
                )


def _check_repeat(here: _Here) -> None:
    repeat = here.step.repeat
    if repeat is None:
        return
    if repeat.every.amount == 0 and here.says("repeat"):
        here.fault(
            ("repeat",), "endless_repeat", "It repeats without a pause.", "Give every a duration."
        )
    if repeat.until_phase_end and repeat.times is None and here.phase.ends is None:
        here.fault(
            ("repeat",),
            "endless_repeat",
            f'It repeats until the phase "{here.phase.key}" ends, which has no end.',
            'Give the phase "ends", or the repeat "times".',
        )
    if here.step.kind is StepKind.branch:
        here.fault(("repeat",), "misplaced_key", "A branch is decided once.", 'Remove "repeat".')
