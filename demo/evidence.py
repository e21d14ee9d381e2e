"""Evidence as the people of the demo give it, for whatever a step asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from db.requests import NewEvidence
from demo import company, phrases
from demo.identity import dated, pick, share
from demo.portfolio import Customer
from domain.playbook.definition import EvidenceField, EvidenceType, Step, Value

Given = tuple[dict[str, Value], list[NewEvidence]]


def given(
    step: Step,
    known: Mapping[str, Value],
    at: datetime,
    customer: Customer,
    said: Mapping[str, Mapping[str, Value]],
) -> Given:
    """Coded answers and the other evidence of one step, done at `at`."""
    answers: dict[str, Value] = dict(said.get(step.key, {}))
    rows: list[NewEvidence] = []
    for wanted in step.evidence:
        if wanted.key in answers:
            continue
        name = (customer.key, step.key, wanted.key)
        match wanted.type:
            case EvidenceType.number:
                answers[wanted.key] = _number(wanted, known, name)
            case EvidenceType.choice:
                answers[wanted.key] = pick(wanted.choices, *name)
            case EvidenceType.date:
                answers[wanted.key] = _date(wanted, known, at)
            case EvidenceType.datetime:
                answers[wanted.key] = (at + timedelta(days=2)).replace(second=0).isoformat()
            case _:
                value = _value(wanted, customer, name)
                if value is not None:
                    identity = dated(at, "evidence", at.isoformat(), *name)
                    rows.append(NewEvidence(identity, wanted.key, wanted.type, value))
    return answers, rows


def _number(wanted: EvidenceField, known: Mapping[str, Value], name: tuple[str, ...]) -> Value:
    prefilled = known.get(wanted.prefill) if wanted.prefill else None
    if isinstance(prefilled, int | float) and not isinstance(prefilled, bool):
        return prefilled
    low = wanted.minimum if wanted.minimum is not None else 10
    high = wanted.maximum if wanted.maximum is not None else low + 90
    return int(low + (high - low) * (0.2 + 0.6 * share(*name)))


def _date(wanted: EvidenceField, known: Mapping[str, Value], at: datetime) -> Value:
    prefilled = known.get(wanted.prefill) if wanted.prefill else None
    return prefilled or (at + timedelta(days=14)).date().isoformat()


def _value(wanted: EvidenceField, customer: Customer, name: tuple[str, ...]) -> str | None:
    match wanted.type:
        case EvidenceType.contact:
            return str(customer.contact())
        case EvidenceType.member:
            return str(company.BY_KEY[customer.manager].id)
        case EvidenceType.link:
            return f"https://docs.lumenfeld.example/{customer.key}/{wanted.key}"
        case EvidenceType.text:
            return pick(phrases.EVIDENCE.get(wanted.key, phrases.ANY_EVIDENCE), *name)
        case _:
            return None  # files, and touches that nobody names here
