"""The one place that makes transitions, with `db/starting.py` for the first; nothing else writes
executions and steps (law 2).

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

from db.calendars import clock_and_calendar
from db.making import Cause, Held, request_digest, write_transit
from db.queries import (
    account_team,
    deliveries,
    escalations,
    executions,
    statistics,
    surroundings,
    versions,
)
from db.queries import transitions as transition_rows
from db.queries.answers import KeptAnswer
from db.requests import Applied, Clock, NewEvidence, NewWords, database_clock
from db.sessions import WriteSession
from domain.errors import Conflict, Refused
from domain.playbook.codec import state_from_json
from domain.playbook.commands import HandedOver, ResumePlaybooks, SuspendPlaybooks
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition
from domain.playbook.events import (
    SYSTEM,
    Acknowledged,
    Body,
    CalendarChanged,
    Event,
    Paused,
    Resumed,
    TeamChanged,
)
from domain.playbook.machine import Transit, transit
from domain.playbook.telling import Settlement, Told

RENEWED_BEFORE = timedelta(days=200)
"""An execution's calendar is renewed when it reaches no further: longer than any due time that
the shipped playbooks set, and far less than the 800 days of a fresh one. Our own choice."""


async def hold(
    session: WriteSession,
    execution: UUID,
    event_id: str | None,
    *,
    clock: Clock = database_clock,
) -> Held:
    """The execution, its row locked until the transaction ends, for the event of that id; None:
    for its deadlines alone.

    Raises NotFound (`execution_not_found`).
    """
    locked = await executions.lock(session, execution, event_id, surroundings.since(clock))
    stored = locked.stored
    definition = await versions.definition(session, stored.version_id, stored.content_hash)
    state = state_from_json(stored.state)
    now = max(clock(stored.database_now), state.last_at)
    around = locked.organization.around(locked.team, now, locked.kept)
    return Held(
        stored.id, definition, stored.account_id, stored.contact_id, state, now, around, event_id
    )


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
    assert held.event_id == event.id, "an execution is held for one event"
    if held.around.kept is not None:
        return _repeated(held, held.around.kept, event)
    renewed = await _renew_calendar(session, held, bulk)
    held = renewed.held
    outcome = transit(held.definition, held.state, event, held.now, onto)
    cause = Cause(event, seen, bulk, words, evidence)
    told = await write_transit(session, held, outcome, cause)
    if outcome.refusal is None:
        await _note_acknowledgement(session, held, event)
    others = await affect_others(session, held, outcome)
    return Applied(
        held.id,
        outcome.state.number,
        outcome.definition,
        held.state,
        outcome.state,
        held.around.people,
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
    renewed = await _renew_calendar(session, await hold(session, execution, None, clock=clock))
    held = renewed.held
    outcome = transit(held.definition, held.state, None, held.now)
    if outcome.made:
        await write_transit(session, held, outcome, Cause())
        await affect_others(session, held, outcome)
    due = next_deadline(held.definition, outcome.state)
    pending = await deliveries.unfinished(session, execution)
    return Settlement(
        news=await transition_rows.told_since(session, execution, known),
        next_deadline=due,
        pending_deliveries=tuple(str(one.id) for one in pending),
        ended=outcome.state.ended_at is not None,
        not_before=due if due is not None and not outcome.made and not renewed.told else None,
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
    cause = Cause(bulk=bulk)
    told = await write_transit(session, held, outcome, cause)
    others = await affect_others(session, held, outcome)
    return _Renewed(replace(held, state=outcome.state), told, others)


def reused() -> Conflict:
    """The same id came before with another command."""
    return Conflict(
        "This key was used for another command. Send a new key with a new command.",
        code="event_id_reused",
    )


def _repeated(held: Held, kept: KeptAnswer, event: Event) -> Applied:
    state = held.state
    assert state is not None
    if kept.request_digest != request_digest(event):
        raise reused()
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
        held.around.people,
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


async def _note_acknowledgement(session: WriteSession, held: Held, event: Event) -> None:
    """Who answered for the levels that had fired stands with those levels."""
    body = event.body
    if isinstance(body, Acknowledged) and event.actor.member:
        await escalations.acknowledge(
            session, held.id, body.step, body.occurrence, UUID(event.actor.member), held.now
        )


# --- other executions: by events of their own, always after this one, in order of ids ---------


async def affect_others(session: WriteSession, held: Held, outcome: Transit) -> tuple[UUID, ...]:
    """Carry out what a transition causes in other executions; which of them it touched."""
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
        other_held = await hold(session, other, event.id, clock=_at(held.now))
        applied = await apply_event(session, other_held, event, bulk=True)
        if applied.told:
            told.append(other)
    return told


def _at(now: datetime) -> Clock:
    return lambda _: now
