"""What completing a step requires: its evidence, checked field by field."""

from __future__ import annotations

import math
from datetime import datetime

from domain.errors import Refused
from domain.playbook.definition import CODED_EVIDENCE, EvidenceField, EvidenceType, Step, Value
from domain.playbook.events import StepCompleted


def check_evidence(
    step: Step, event: StepCompleted, known: dict[str, Value], known_rows: dict[str, str]
) -> dict[str, Value]:
    """The coded answers, with what facts had filled in before; refused where anything is amiss.

    `known_rows` names the rows and facts of the other fields that are there already.

    Codes: `evidence_missing`, `evidence_invalid`, `evidence_unknown`, `choice_missing`,
    `choice_invalid`.
    """
    answers = {**known, **(event.answers or {})}
    rows = {**known_rows, **(event.evidence or {})}
    fields = {field.key: field for field in step.evidence}
    for key in {*(event.answers or {}), *(event.evidence or {})}:
        if key not in fields:
            raise _refused("evidence_unknown", step, key, f'The step asks for no "{key}".')
    missing = [f for f in step.evidence if f.required and not _given(f, answers, rows)]
    if missing:
        titles = ", ".join(f'"{field.title}"' for field in missing)
        raise Refused(
            f"Fill in {titles} to complete this step.",
            code="evidence_missing",
            details={"step": step.key, "fields": [field.key for field in missing]},
        )
    for key, value in answers.items():
        if key in fields and value is not None:
            _check_value(step, fields[key], value)
    _check_choice(step, event.choice)
    return answers


def learned(step: Step, answers: dict[str, Value]) -> dict[str, Value]:
    """What of a fact's answers fits the step's form; the rest is left to a person."""
    fields = {field.key: field for field in step.evidence}
    return {key: value for key, value in answers.items() if _fits(step, fields.get(key), value)}


def _fits(step: Step, field: EvidenceField | None, value: Value) -> bool:
    if field is None or value is None:
        return False
    try:
        _check_value(step, field, value)
    except Refused:
        return False
    return True


def touch_fields(step: Step) -> list[str]:
    """The fields that a logged touch answers by being there."""
    return [field.key for field in step.evidence if field.type is EvidenceType.touch]


def satisfied_by(step: Step, answers: dict[str, Value], rows: dict[str, str]) -> bool:
    """Whether what a fact filled in is all that completing the step requires."""
    return not step.choices and all(
        _given(field, answers, rows) for field in step.evidence if field.required
    )


def _given(field: EvidenceField, answers: dict[str, Value], rows: dict[str, str]) -> bool:
    if field.type in CODED_EVIDENCE:
        return answers.get(field.key) is not None
    return field.key in rows


def _check_value(step: Step, field: EvidenceField, value: Value) -> None:
    match field.type:
        case EvidenceType.number:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _refused("evidence_invalid", step, field.key, "Give a number.")
            if not math.isfinite(value):
                raise _refused("evidence_invalid", step, field.key, "Give a number.")
            low, high = field.minimum, field.maximum
            if (low is not None and value < low) or (high is not None and value > high):
                raise _refused(
                    "evidence_invalid", step, field.key, f"Give a number from {low} to {high}."
                )
        case EvidenceType.choice:
            if value not in field.choices:
                options = ", ".join(field.choices)
                raise _refused("evidence_invalid", step, field.key, f"Choose one of: {options}.")
        case EvidenceType.date | EvidenceType.datetime:
            if not _is_instant(value):
                raise _refused(
                    "evidence_invalid", step, field.key, "Give a date such as 2026-11-22."
                )
        case _:
            raise _refused(
                "evidence_invalid", step, field.key, "Send this field as evidence, not as answer."
            )


def _is_instant(value: Value) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _check_choice(step: Step, choice: str | None) -> None:
    if not step.choices:
        if choice is not None:
            raise _refused("choice_invalid", step, "choice", "This step asks for no decision.")
        return
    options = [option.key for option in step.choices]
    if choice is None:
        raise _refused("choice_missing", step, "choice", f"Decide: {', '.join(options)}.")
    if choice not in options:
        raise _refused("choice_invalid", step, "choice", f"Choose one of: {', '.join(options)}.")


def _refused(code: str, step: Step, field: str, advice: str) -> Refused:
    return Refused(
        f'"{step.title}": {advice}', code=code, details={"step": step.key, "field": field}
    )
