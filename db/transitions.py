"""The one place that makes transitions; nothing else writes executions and steps (law 2).

Every function works inside the caller's write transaction: the caller commits at its edge, then
has the workflow told, then raises `Applied.refusal` if there is one. A refusal is committed too,
because its kept answer and its audit entry are; beside those it changes nothing (law 7).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from db.calendars import clock_and_calendar, snapshot_of
from db.making import Cause, Held, request_digest, write_start, write_transit
from db.people import People
from db.queries import (
    account_team,
    answers,
    deliveries,
    escalations,
    executions,
    statistics,
    surroundings,
    versions,
)
from db.queries import transitions as transition_rows
from db.queries.record import NewExecution
from db.queries.starting import read_needs
from db.requests import Applied, Clock, NewEvidence, NewWords, StartRequest, database_clock
from db.sessions import WriteSession
from domain.errors import Conflict, Refused
from domain.playbook.codec import state_from_json, state_to_json
from domain.playbook.commands import HandedOver, ResumePlaybooks, SuspendPlaybooks
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition
from domain.playbook.events import (
    SYSTEM,
    Acknowledged,
    Actor,
    Body,
    CalendarChanged,
    Event,
    Paused,
    Resumed,
    Started,
    TeamChanged,
)
from domain.playbook.machine import Transit, transit
from domain.playbook.state import ENGINE_REVISION
from domain.playbook.telling import Settlement, Told

RENEWED_BEFORE = timedelta(days=200)
"""An execution's calendar is renewed when it reaches no further: longer than any due time that
the shipped playbooks set, and far less than the 800 days of a fresh one. Our own choice."""


async def hold(session: WriteSession, execution: UUID, *, clock: Clock = database_clock) -> Held:
    """The execution, its row locked until the transaction ends.

    Raises NotFound (`execution_not_found`).
    """
    stored = await executions.lock(session, execution)
    definition = await versions.definition(session, stored.version_id, stored.content_hash)
    state = state_from_json(stored.state)
    now = max(clock(stored.database_now), state.last_at)
    return Held(stored.id, definition, stored.account_id, stored.contact_id, state, now)


async def apply_event(
    session: WriteSession,
    held: Held,
    event: Event,
    *,
    words: Sequence[NewWords] = (),
    evidence: Sequence[NewEvidence] = (),
    seen: dict[str, Any] | None = None,
    bulk: bool = False,
    onto: Definition | None = None,
) -> Applied:
    """Settle what fell due before, then apply one event; the same id again repeats its answer.

    Raises Conflict (`event_id_reused`). What the state does not allow comes back as
    `Applied.refusal`. `bulk` leaves the telling to the relay alone. `onto` is the definition that
    a migration moves to (`db/migrating.py`).
    """
    around = await surroundings.read(
        session, execution=held.id, event_id=event.id, account=held.account, at=held.now
    )
    if around.kept is not None:
        return _repeated(held, around, event)
    renewed = await _renew_calendar(session, held, bulk)
    held = renewed.held
    outcome = transit(held.definition, held.state, event, held.now, onto)
    cause = Cause(event, seen, bulk, words, evidence)
    told = await write_transit(session, held, outcome, cause, around)
    if outcome.refusal is None:
        await _note_acknowledgement(session, held, event)
    others = await _affect_others(session, held, outcome)
    return Applied(
        held.id,
        outcome.state.number,
        outcome.definition,
        held.state,
        outcome.state,
        around.people,
        (*renewed.told, *told),
        outcome.refusal,
        others=(*renewed.others, *others),
    )


async def settle_due(
    session: WriteSession, execution: UUID, known: int, *, clock: Clock = database_clock
) -> Settlement:
    """Settle every deadline that has come, and tell what came after transition `known`.

    Raises NotFound (`execution_not_found`): an alarm, never an end.
    """
    renewed = await _renew_calendar(session, await hold(session, execution, clock=clock))
    held = renewed.held
    outcome = transit(held.definition, held.state, None, held.now)
    if outcome.made:
        around = await surroundings.read(
            session, execution=held.id, event_id=None, account=held.account, at=held.now
        )
        await write_transit(session, held, outcome, Cause(), around)
        await _affect_others(session, held, outcome)
    due = next_deadline(held.definition, outcome.state)
    pending = await deliveries.unfinished(session, execution)
    return Settlement(
        news=await transition_rows.told_since(session, execution, known),
        next_deadline=due,
        pending_deliveries=tuple(str(one.id) for one in pending),
        ended=outcome.state.ended_at is not None,
        not_before=due if due is not None and not outcome.made and not renewed.told else None,
    )


async def start_execution(
    session: WriteSession,
    request: StartRequest,
    actor: Actor,
    *,
    clock: Clock = database_clock,
    bulk: bool = False,
) -> Applied:
    """Make transition 0 of a new execution (DESIGN.md, "An execution starts").

    Raises NotFound (`playbook_not_found`, `account_not_found`), Refused (`playbook_disabled`,
    `unknown_parameter`, `parameter_missing`, `wrong_subject`) and Conflict (`execution_open`, with
    the open one's id).
    The same request id again gives the same execution.
    """
    needs = await read_needs(session, request.playbook, request.account)
    version = needs.version
    definition = await versions.definition(session, version.id, version.content_hash)
    if definition.subject is not request.subject_kind:
        raise Refused(
            f"This playbook runs for one {definition.subject.value}, "
            f"not for one {request.subject_kind.value}.",
            code="wrong_subject",
        )
    now = clock(needs.database_now)
    has_fields = request.account is not None
    started = Started(
        fields={name: needs.known.fields.get(name) for name in definition.reads if has_fields},
        calendar=snapshot_of(needs.calendar, now),
        parameters=request.parameters,
        cause=request.cause,
        fields_version=needs.known.version,
        reason=str(request.reason.id) if request.reason else None,
    )
    held = Held(request.id, definition, request.account, request.contact, None, now)
    around = await surroundings.read(
        session, execution=None, event_id=None, account=held.account, at=now
    )
    event = Event(f"start:{request.id}", started, actor)
    outcome = transit(definition, None, event, now)
    told = await write_start(
        session,
        held,
        outcome,
        Cause(event, None, bulk, (request.reason,) if request.reason else ()),
        around,
        _new_execution(request, version, held, outcome),
    )
    if told is None:
        return await _already_there(session, request, event, definition, around.people)
    others = await _affect_others(session, held, outcome)
    return Applied(
        held.id,
        outcome.state.number,
        definition,
        None,
        outcome.state,
        around.people,
        told,
        others=others,
    )


# --- the parts ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Renewed:
    """An execution whose calendar reaches far enough, and what that took."""

    held: Held
    told: tuple[Told, ...] = ()
    others: tuple[UUID, ...] = ()


async def _renew_calendar(session: WriteSession, held: Held, bulk: bool = False) -> _Renewed:
    """Give the execution a fresh calendar where its own ends soon, by an event of its own.

    The event's id names the horizon that is left, so that each is renewed once.
    """
    state = held.state
    if state is None or state.ended_at is not None:
        return _Renewed(held)
    horizon = state.calendar.horizon
    if horizon - held.now >= RENEWED_BEFORE:
        return _Renewed(held)
    _, calendar = await clock_and_calendar(session, _at(held.now))
    if calendar.horizon <= horizon:
        return _Renewed(held)
    event = Event(f"calendar:{horizon:%Y-%m-%d}", CalendarChanged(calendar), SYSTEM)
    outcome = transit(held.definition, state, event, held.now)
    around = await surroundings.read(
        session, execution=held.id, event_id=None, account=held.account, at=held.now
    )
    cause = Cause(bulk=bulk)
    told = await write_transit(session, held, outcome, cause, around)
    others = await _affect_others(session, held, outcome)
    return _Renewed(replace(held, state=outcome.state), told, others)


def _reused() -> Conflict:
    return Conflict(
        "This key was used for another command. Send a new key with a new command.",
        code="event_id_reused",
    )


def _repeated(held: Held, around: surroundings.Surroundings, event: Event) -> Applied:
    kept, state = around.kept, held.state
    assert kept is not None and state is not None
    if kept.request_digest != request_digest(event):
        raise _reused()
    answer = json.loads(kept.answer)
    refusal = None
    if "code" in answer:
        refusal = Refused(answer["message"], code=answer["code"], details=answer["details"])
    return Applied(
        held.id,
        answer["number"],
        held.definition,
        state,
        state,
        around.people,
        (),
        refusal,
        repeated=True,
    )


async def fields_to_read(
    session: WriteSession, account: UUID | None, definition: Definition
) -> tuple[dict[str, Any], int]:
    """The fields that the definition reads, their row locked so that no fact is missed (law 15)."""
    if account is None:
        return {}, 0
    known = await statistics.lock_for_reading(session, session.scope.org, account)
    return {name: known.fields.get(name) for name in definition.reads}, known.version


def _new_execution(
    request: StartRequest,
    version: versions.PublishedVersion,
    held: Held,
    outcome: Transit,
) -> NewExecution:
    state = outcome.state
    actor = outcome.made[0].event.actor
    key = held.definition.concurrency_key
    return NewExecution(
        id=request.id,
        playbook_key=held.definition.key,
        version_id=version.id,
        content_hash=version.content_hash,
        engine=ENGINE_REVISION,
        subject_kind=request.subject_kind.value,
        subject_id=request.subject,
        account_id=request.account,
        contact_id=request.contact,
        status=state.status.value,
        state=orjson.dumps(state_to_json(state)),
        number=state.number,
        started_at=state.started_at,
        last_at=state.last_at,
        next_deadline=next_deadline(held.definition, state),
        started_by=UUID(actor.member) if actor.member else None,
        cause=request.cause,
        concurrency_value=request.parameters.get(key, "") if key else "",
        outcome=state.outcome.value if state.outcome else None,
        outcome_code=state.outcome_code,
        ended_at=state.ended_at,
    )


async def _already_there(
    session: WriteSession,
    request: StartRequest,
    event: Event,
    definition: Definition,
    people: People,
) -> Applied:
    """The same request came before, or another open execution stands in its way (law 9)."""

    async def repeated(stored: executions.StoredExecution) -> Applied:
        kept = await answers.find(session, stored.id, event.id)
        same_subject = (stored.playbook_key, stored.subject_id) == (definition.key, request.subject)
        if kept is None or not same_subject or kept.request_digest != request_digest(event):
            raise _reused()
        state = state_from_json(stored.state)
        began_as = await versions.definition(session, stored.version_id, stored.content_hash)
        return Applied(stored.id, stored.number, began_as, state, state, people, (), repeated=True)

    for execution in await executions.open_for_subject(
        session, request.subject_kind.value, request.subject, [definition.key]
    ):
        stored = await executions.read(session, execution)
        if stored.id == request.id:
            return await repeated(stored)
        parameters = state_from_json(stored.state).parameters
        if parameters == request.parameters or definition.concurrency_key is None:
            raise Conflict(
                "This playbook is running here already. Work on that execution, or cancel it.",
                code="execution_open",
                details={"execution": str(stored.id)},
            )
    return await repeated(await executions.read(session, request.id))


async def _note_acknowledgement(session: WriteSession, held: Held, event: Event) -> None:
    """Who answered for the levels that had fired stands with those levels."""
    body = event.body
    if isinstance(body, Acknowledged) and event.actor.member:
        await escalations.acknowledge(
            session, held.id, body.step, body.occurrence, UUID(event.actor.member), held.now
        )


# --- other executions: by events of their own, always after this one, in order of ids ---------


async def _affect_others(session: WriteSession, held: Held, outcome: Transit) -> tuple[UUID, ...]:
    affected: list[UUID] = []
    for made in outcome.made:
        cause = f"{held.id}:{made.number}"
        for command in made.commands:
            match command:
                case SuspendPlaybooks():
                    event = Event(f"suspended:{cause}", Paused(str(held.id)), SYSTEM)
                    affected += await _tell_others(session, held, event, command.playbooks)
                case ResumePlaybooks():
                    event = Event(f"resumed:{cause}", Resumed(str(held.id)), SYSTEM)
                    affected += await _tell_others(session, held, event, command.playbooks)
                case HandedOver():
                    affected += await _move_ownership(session, held, command, made.number)
                case _:
                    continue
    return tuple(affected)


async def _move_ownership(
    session: WriteSession, held: Held, command: HandedOver, number: int
) -> list[UUID]:
    if held.account is None:
        return []
    await account_team.put_place(
        session, session.scope.org, held.account, command.role.value, UUID(command.receiver)
    )
    body: Body = TeamChanged(command.role, command.giver, command.receiver)
    return await _tell_others(session, held, Event(f"team:{held.id}:{number}", body, SYSTEM), None)


async def _tell_others(
    session: WriteSession, held: Held, event: Event, playbooks: Sequence[str] | None
) -> list[UUID]:
    if held.account is None:
        return []
    told: list[UUID] = []
    for other in await executions.open_for_account(session, held.account, playbooks):
        if other == held.id:
            continue
        other_held = await hold(session, other, clock=_at(held.now))
        applied = await apply_event(session, other_held, event, bulk=True)
        if applied.told:
            told.append(other)
    return told


def _at(now: datetime) -> Clock:
    return lambda _: now
