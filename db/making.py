"""One transaction's work on one execution: from the locked row to the rows written.

Used by `db/transitions.py` and `db/starting.py` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from db.notices import Outbox, fill
from db.people import People
from db.projection import Frame, changed_steps, step_row
from db.queries import record
from db.queries.audit import NewAuditEntry
from db.queries.surroundings import Surroundings
from db.queries.words import EvidenceRow, WordsRow
from db.requests import NewEvidence, NewWords
from db.sessions import WriteSession
from domain.errors import NotFound, Refused
from domain.playbook.codec import command_to_json, digest, event_to_json, state_to_json
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition
from domain.playbook.events import Event, Migrated, Started, TeamChanged
from domain.playbook.machine import Made, Transit
from domain.playbook.record import digest_of
from domain.playbook.state import State
from domain.playbook.telling import Told
from runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Held:
    """An execution whose row this transaction holds, with its definition and its instant.

    `state` is None before transition 0. `now` is the later of the clock and the last instant.
    `event_id` is the event for which it is held; None: its deadlines alone.
    """

    id: UUID
    definition: Definition
    account: UUID | None
    contact: UUID | None
    state: State | None
    now: datetime
    around: Surroundings
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Who made a command, what they saw, and what they wrote; None for a deadline."""

    event: Event | None = None
    seen: dict[str, Any] | None = None
    bulk: bool = False
    words: Sequence[NewWords] = ()
    evidence: Sequence[NewEvidence] = ()


async def write_transit(
    session: WriteSession,
    held: Held,
    transit: Transit,
    cause: Cause,
) -> tuple[Told, ...]:
    """Write everything that a transit made, in one message, and say what the workflow is told."""
    change = _change(transit, _migrated(transit))
    written, told = to_be_written(session.scope.org, held, transit, cause, change)
    if not await record.write(session, written):
        raise NotFound(
            "The execution went away while it was written.",
            code="execution_not_found",
            details={"execution": str(held.id)},
        )
    return told


def to_be_written(
    org: UUID,
    held: Held,
    transit: Transit,
    cause: Cause,
    row: record.NewExecution | record.ExecutionChange,
) -> tuple[record.Written, tuple[Told, ...]]:
    """The rows of a transit beside its execution's own `row`, and what the workflow is told."""
    around, allowed = held.around, transit.refusal is None
    people = around.people
    definition, after = held.definition, transit.state
    migrated = _migrated(transit)
    frame = Frame(org, held.id, held.account, held.contact)
    box = Outbox()
    told: list[Told] = []
    for made in transit.made:
        if made.event.body is migrated:
            definition = transit.definition
        carried = fill(box, frame, definition, made, after, people, around.endpoints, new_id)
        told.append(_told(definition, made, carried))
    written = record.Written(
        id=held.id,
        execution=row,
        transitions=[_transition(m, t) for m, t in zip(transit.made, told, strict=True)],
        steps=_steps(frame, held, transit, people),
        escalations=box.escalations,
        deliveries=box.deliveries,
        notifications=box.notifications,
        answers=_answers(cause.event, transit),
        audit=_entries(held, transit, told, cause),
        bulk=cause.bulk,
        words=_words(held, cause) if allowed else (),
        evidence=_evidence(held, cause) if allowed else (),
    )
    return written, tuple(told)


def _migrated(transit: Transit) -> Migrated | None:
    bodies = (made.event.body for made in transit.made)
    return next((body for body in bodies if isinstance(body, Migrated)), None)


def _change(transit: Transit, migrated: Migrated | None) -> record.ExecutionChange:
    after = transit.state
    return record.ExecutionChange(
        status=after.status.value,
        state=orjson.dumps(state_to_json(after)),
        number=after.number,
        last_at=after.last_at,
        next_deadline=next_deadline(transit.definition, after),
        outcome=after.outcome.value if after.outcome else None,
        outcome_code=after.outcome_code,
        ended_at=after.ended_at,
        version_id=UUID(migrated.version) if migrated else None,
        content_hash=migrated.content_hash if migrated else None,
    )


def _transition(made: Made, told: Told) -> record.NewTransition:
    actor = made.event.actor
    return record.NewTransition(
        number=made.number,
        event_id=made.event.id,
        kind=made.event.body.kind,
        event=orjson.dumps(event_to_json(made.event)),
        at=made.at,
        late=made.late,
        commands=orjson.dumps([command_to_json(command) for command in made.commands]),
        digest=told.digest,
        actor_id=_uuid(actor.member),
        on_behalf_of=_uuid(actor.on_behalf_of),
        reason_code=told.reason_code,
        next_deadline=told.next_deadline,
        ended=told.ended,
    )


def _steps(frame: Frame, held: Held, transit: Transit, people: People) -> list[dict[str, Any]]:
    """Changed occurrences; all of them where a role moved, since its holder is resolved anew, and
    where the version did, since its titles may differ."""
    every = any(isinstance(made.event.body, TeamChanged | Migrated) for made in transit.made)
    after = transit.state
    steps = after.steps if every else changed_steps(held.state, after)
    return [
        step_row(frame, transit.definition, after, step, people.assignee(step), held.now)
        for step in steps
    ]


def _answers(event: Event | None, transit: Transit) -> list[record.NewAnswer]:
    if event is None:
        return []
    refusal = transit.refusal
    answer: dict[str, Any] = {"number": transit.state.number}
    if refusal is not None:
        answer |= {"code": refusal.code, "message": refusal.message, "details": refusal.details}
    return [record.NewAnswer(event.id, request_digest(event), orjson.dumps(answer))]


def _words(held: Held, cause: Cause) -> list[WordsRow]:
    author = _author(cause)
    return [
        WordsRow(one.id, one.purpose, one.body, author, held.account, held.contact)
        for one in cause.words
    ]


def _evidence(held: Held, cause: Cause) -> list[EvidenceRow]:
    body = cause.event.body if cause.event else None
    return [
        EvidenceRow(
            one.id,
            held.id,
            getattr(body, "step", ""),
            getattr(body, "occurrence", 1),
            one.field,
            one.type.value,
            one.value,
            _author(cause),
            held.account,
            held.contact,
        )
        for one in cause.evidence
    ]


def _author(cause: Cause) -> UUID | None:
    return _uuid(cause.event.actor.member) if cause.event else None


def request_digest(event: Event) -> str:
    """Tells the same command from another one under the same id.

    Who repeats a command gives its words and evidence the ids that they had: the API derives them
    from the caller's key and the text, so that other words under the same key are found out.
    What a start or a migration found when it came is no part of the command.
    """
    body: dict[str, Any] = event_to_json(event)["body"]
    return digest({key: value for key, value in body.items() if key not in _found(event)})


def _found(event: Event) -> frozenset[str]:
    match event.body:
        case Migrated():
            return frozenset({"before", "fields", "fields_version"})
        case Started():
            return frozenset({"calendar", "fields", "fields_version"})
        case _:
            return frozenset()


def _entries(
    held: Held, transit: Transit, told: Sequence[Told], cause: Cause
) -> list[NewAuditEntry]:
    entries = [
        _entry_of_transition(held, made, news, cause)
        for made, news in zip(transit.made, told, strict=True)
    ]
    if cause.event is not None and transit.refusal is not None:
        entries.append(_entry_of_refusal(held, cause.event, transit.refusal, cause.seen))
    return entries


def _entry_of_transition(held: Held, made: Made, told: Told, cause: Cause) -> NewAuditEntry:
    actor = made.event.actor
    own = cause.event is not None and made.event.id == cause.event.id
    return NewAuditEntry(
        id=new_id(),
        at=made.at,
        action=made.event.body.kind,
        object_kind="execution",
        object_id=str(held.id),
        actor_id=_uuid(actor.member),
        on_behalf_of=_uuid(actor.on_behalf_of),
        reason_id=_uuid(getattr(made.event.body, "reason", None)),
        reason_code=told.reason_code,
        seen=cause.seen if own else None,
        data={
            "number": made.number,
            "event_id": made.event.id,
            "digest": told.digest,
            "late": made.late,
            "caused": [command.kind for command in made.commands],
            **_versions(made.event),
        },
    )


def _versions(event: Event) -> dict[str, Any]:
    """Which definition a migration left for which."""
    body = event.body
    if not isinstance(body, Migrated):
        return {}
    return {"from": body.before, "to": body.content_hash, "version": body.number}


def _entry_of_refusal(
    held: Held, event: Event, refusal: Refused, seen: dict[str, Any] | None
) -> NewAuditEntry:
    return NewAuditEntry(
        id=new_id(),
        at=held.now,
        action=event.body.kind,
        object_kind="execution",
        object_id=str(held.id),
        actor_id=_uuid(event.actor.member),
        on_behalf_of=_uuid(event.actor.on_behalf_of),
        outcome="refused",
        reason_code=refusal.code,
        seen=seen,
        data={"event_id": event.id, "step": getattr(event.body, "step", None)},
    )


def _told(definition: Definition, made: Made, carried: Sequence[UUID]) -> Told:
    return Told(
        number=made.number,
        event=made.event.body.kind,
        event_id=made.event.id,
        reason_code=reason_code(made.event),
        at=made.at,
        digest=digest_of(made),
        next_deadline=next_deadline(definition, made.state),
        deliveries=tuple(str(delivery) for delivery in carried),
        ended=made.state.ended_at is not None,
        playbook=definition.key if made.number == 0 else None,
    )


def reason_code(event: Event) -> str | None:
    """The one code that says most about an event: its step, its deadline, or why."""
    for name in ("step", "key", "code", "cause", "fact", "by", "content_hash"):
        value = getattr(event.body, name, None)
        if isinstance(value, str):
            return value
    return None


def _uuid(value: str | None) -> UUID | None:
    return UUID(value) if value else None
