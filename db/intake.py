"""What becomes known about an account, carried to the executions it concerns (laws 2 and 15).

Always the statistics row first, then executions by id: whoever begins to read fields holds the
same row, so no change is missed. The callers commit, then the relay tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from db.queries import executions, statistics, versions
from db.queries.statistics import Statistics
from db.requests import Clock, database_clock
from db.sessions import WriteSession
from db.transitions import apply_event
from domain.playbook.attention import concerns
from domain.playbook.codec import state_from_json
from domain.playbook.definition import Definition, Value
from domain.playbook.events import SYSTEM, Actor, Event, FactArrived, FieldsChanged
from domain.playbook.state import State


@dataclass(frozen=True, slots=True)
class Moved:
    """An execution that something reached, and what it made of it."""

    execution: UUID
    number: int


async def change_fields(
    session: WriteSession,
    account: UUID,
    fields: Mapping[str, Value],
    *,
    expected: int | None = None,
    actor: Actor = SYSTEM,
    clock: Clock = database_clock,
) -> tuple[Statistics, tuple[Moved, ...]]:
    """Lay new values over an account's fields; executions whose conditions turn get an event.

    None takes a value away. Raises Conflict (`changed_meanwhile`) where `expected` is given and
    is no longer the version.
    """
    known = await statistics.write_statistics(session, session.scope.org, account, fields, expected)
    if not known.changed:
        return known, ()
    moved: list[Moved] = []
    for execution in await executions.open_for_account(session, account):
        stored = await executions.read(session, execution)
        definition = await versions.definition(session, stored.version_id, stored.content_hash)
        state = state_from_json(stored.state)
        if not concerns(definition, state, known.fields, clock(stored.database_now)):
            continue
        read = {name: known.fields.get(name) for name in definition.reads}
        body = FieldsChanged(read, known.version)
        event = Event(f"fields:{known.version}", body, actor)
        applied = await apply_event(session, execution, event, clock=clock, bulk=True)
        if applied.told:
            moved.append(Moved(execution, applied.number))
    return known, tuple(moved)


async def learn_fact(
    session: WriteSession,
    account: UUID,
    fact: FactArrived,
    *,
    actor: Actor = SYSTEM,
    clock: Clock = database_clock,
) -> tuple[Moved, ...]:
    """Let a fact complete or pre-fill the steps that wait for it, one in each open execution."""
    moved: list[Moved] = []
    for execution in await executions.open_for_account(session, account):
        stored = await executions.read(session, execution)
        definition = await versions.definition(session, stored.version_id, stored.content_hash)
        if not waits_for(definition, state_from_json(stored.state), fact.fact):
            continue
        event = Event(f"fact:{fact.fact_id}", fact, actor)
        applied = await apply_event(session, execution, event, clock=clock, bulk=True)
        if applied.told:
            moved.append(Moved(execution, applied.number))
    return tuple(moved)


def waits_for(definition: Definition, state: State, fact: str) -> bool:
    """Whether an open step of the execution would be completed or filled in by such a fact."""
    open_now = {step.key for step in state.steps if step.opened_at and step.closed_at is None}
    kinds = {
        kind
        for step in definition.steps()
        if step.key in open_now
        for kind in (*step.completes_on, *step.prefills_on)
    }
    return any(fact == kind or fact.startswith(f"{kind}.") for kind in kinds)
