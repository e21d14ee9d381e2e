"""The explicit move of one running execution to another version of its playbook (law 6).

Its fields are locked before its row, as everywhere where a transition begins to read (law 15).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from db.calendars import clock_and_calendar
from db.queries import executions, statistics, versions
from db.queries.executions import StoredExecution
from db.queries.versions import PublishedVersion
from db.requests import Applied, Clock, NewWords, database_clock
from db.sessions import ReadSession, WriteSession
from db.transitions import RENEWED_BEFORE, apply_event, fields_to_read, hold
from domain.playbook.codec import state_from_json
from domain.playbook.definition import Definition, Value
from domain.playbook.events import Actor, Event, Migrated
from domain.playbook.machine import transit
from domain.playbook.moves import Moves, moves


@dataclass(frozen=True, slots=True)
class MigrateRequest:
    """`version` is a number of the execution's playbook; None: the one that is enabled."""

    execution: UUID
    version: int | None
    event_id: str
    reason: NewWords | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What the same request would do now, made for real."""

    playbook: str
    before: int
    after: int
    moves: Moves


async def migrate_execution(
    session: WriteSession,
    request: MigrateRequest,
    actor: Actor,
    *,
    clock: Clock = database_clock,
) -> Applied:
    """Settle by the old definition what fell due, move, and go on by the new one.

    Raises NotFound (`execution_not_found`, `version_not_found`), Refused (`playbook_disabled`).
    What the state does not allow comes back as `Applied.refusal`: `same_version`, `wrong_subject`,
    `concurrency_differs`, `parameter_invalid`, `changed_meanwhile`, `execution_ended`.
    """
    stored = await executions.read(session, request.execution)
    version = await _target(session, stored, request.version)
    definition = await versions.definition(session, version.id, version.content_hash)
    fields, fields_version = await fields_to_read(session, stored.account_id, definition)
    return await apply_event(
        session,
        await hold(session, stored.id, request.event_id, clock=clock),
        _event(request, actor, stored, version, fields, fields_version),
        words=(request.reason,) if request.reason else (),
        onto=definition,
    )


async def preview_migration(
    session: ReadSession,
    request: MigrateRequest,
    actor: Actor,
    *,
    clock: Clock = database_clock,
) -> Preview:
    """The same by the same machine, written nowhere. Raises what the real one refuses."""
    stored = await executions.read(session, request.execution)
    version = await _target(session, stored, request.version)
    onto = await versions.definition(session, version.id, version.content_hash)
    definition = await versions.definition(session, stored.version_id, stored.content_hash)
    fields, fields_version = await _fields(session, stored, onto)
    now, calendar = await clock_and_calendar(session, clock)
    state = state_from_json(stored.state)
    now = max(now, state.last_at)
    if state.ended_at is None and state.calendar.horizon - now < RENEWED_BEFORE:
        state = replace(state, calendar=calendar)
    event = _event(request, actor, stored, version, fields, fields_version)
    outcome = transit(definition, state, event, now, onto)
    if outcome.refusal is not None:
        raise outcome.refusal
    return Preview(
        stored.playbook_key,
        await versions.number_of(session, stored.version_id),
        version.number,
        moves(definition, state, outcome),
    )


async def _target(
    session: ReadSession, stored: StoredExecution, number: int | None
) -> PublishedVersion:
    if number is None:
        return await versions.enabled(session, stored.playbook_key)
    return await versions.published(session, stored.playbook_key, number)


async def _fields(
    session: ReadSession, stored: StoredExecution, definition: Definition
) -> tuple[dict[str, Value], int]:
    if stored.account_id is None:
        return {}, 0
    known = await statistics.read_statistics(session, session.scope.org, stored.account_id)
    return {name: known.fields.get(name) for name in definition.reads}, known.version


def _event(
    request: MigrateRequest,
    actor: Actor,
    stored: StoredExecution,
    version: PublishedVersion,
    fields: dict[str, Value],
    fields_version: int,
) -> Event:
    body = Migrated(
        version=str(version.id),
        content_hash=version.content_hash,
        number=version.number,
        before=stored.content_hash,
        fields=fields,
        fields_version=fields_version,
        reason=str(request.reason.id) if request.reason else None,
    )
    return Event(request.event_id, body, actor)
