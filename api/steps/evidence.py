"""Evidence as it is sent becomes coded answers and rows: by the step's form, never by guessing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from api.guard import Writing
from api.steps.schemas import Given
from db.queries import contacts, touches
from db.requests import NewEvidence
from domain.errors import Invalid
from domain.ids import parse_id
from domain.playbook.definition import CODED_EVIDENCE, Definition, EvidenceType, Value
from domain.playbook.draft import step_of


@dataclass(slots=True)
class Sorted:
    """`answers` are coded; `rows` are evidence rows, which the event names by id."""

    answers: dict[str, Value] = field(default_factory=dict)
    rows: list[NewEvidence] = field(default_factory=list)

    @property
    def named(self) -> dict[str, str]:
        return {row.field: str(row.id) for row in self.rows}


async def sort_evidence(
    work: Writing, definition: Definition, step: str, given: Mapping[str, Given]
) -> Sorted:
    """Takes each value by the type of its field; unknown fields are left for the machine to refuse.

    Raises Invalid `evidence_invalid` for a value that is not of its type, NotFound for a contact,
    touch or member that the organization does not have.
    """
    found = Sorted()
    if not given:
        return found
    types = {one.key: one.type for one in step_of(definition, step).evidence}
    for key, value in given.items():
        kind = types.get(key)
        if kind is None or kind in CODED_EVIDENCE:
            found.answers[key] = value
        elif value is not None:
            text = await _checked(work, step, key, kind, value)
            digest = hashlib.sha256(text.encode()).hexdigest()
            identity = work.id_of(f"evidence:{key}:{digest}")
            found.rows.append(NewEvidence(identity, key, kind, text))
    return found


async def _checked(work: Writing, step: str, key: str, kind: EvidenceType, value: Given) -> str:
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        raise _invalid(step, key, "Send text.")
    text = value.strip()
    match kind:
        case EvidenceType.link:
            if not text.startswith(("https://", "http://")) or " " in text:
                raise _invalid(step, key, "Send an address that begins with https://.")
        case EvidenceType.contact:
            await contacts.get_contact(work.session, work.org, parse_id(text, "contact"))
        case EvidenceType.touch:
            await touches.get_touch(work.session, work.org, parse_id(text, "touch"))
        case EvidenceType.member:
            await work.require_member(parse_id(text, "member"))
        case _:
            pass
    return text


def _invalid(step: str, key: str, advice: str) -> Invalid:
    return Invalid(
        f'"{key}": {advice}', code="evidence_invalid", details={"step": step, "field": key}
    )
