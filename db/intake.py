"""What becomes known about an account, carried to the executions it concerns (laws 2 and 15).

Always the statistics row first, then executions by id: whoever begins to read fields holds the
same row, so no change is missed. The callers commit, then the relay tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.queries import executions, statistics, versions
from db.queries.statistics import Statistics
from db.requests import Applied, Clock, database_clock
from db.sessions import WriteSession
from db.transitions import apply_event, hold
from domain.playbook.attention import concerns
from domain.playbook.codec import state_from_json
from domain.playbook.definition import Definition, Value
from domain.playbook.events import SYSTEM, Actor, Event, FactArrived, FieldsChanged
from domain.playbook.state import State


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated observation as intake takes it: "touch.meeting", when it happened, its answers."""

    kind: str
    id: UUID
    occurred_at: datetime
    answers: dict[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """The fields as they are now, and what the executions they concern made of them."""

    statistics: Statistics
    applied: tuple[Applied, ...] = ()


async def learn_fields(
    session: WriteSession,
    account: UUID,
    fields: Mapping[str, Value],
    actor: Actor = SYSTEM,
    *,
    expected: int | None = None,
    clock: Clock = database_clock,
) -> Learned:
    """Lay new values over an account's fields; executions whose conditions turn get an event.

    None takes a value away. Raises Conflict (`changed_meanwhile`) where `expected` is given and
    is no longer the version.
    """
    known = await statistics.write_statistics(session, session.scope.org, account, fields, expected)
    if not known.changed:
        return Learned(known)
    return Learned(known, await carry_fields(session, account, known, actor, clock=clock))


async def carry_fields(
    session: WriteSession,
    account: UUID,
    known: Statistics,
    actor: Actor = SYSTEM,
    *,
    clock: Clock = database_clock,
) -> tuple[Applied, ...]:
    """Tell executions of fields that this transaction has written; it holds the row (law 15)."""
    applied: list[Applied] = []
    for execution in await executions.open_for_account(session, account):
        reader = await _reader(session, execution)
        if not concerns(reader.definition, reader.state, known.fields, clock(reader.now)):
            continue
        read = {name: known.fields.get(name) for name in reader.definition.reads}
        event = Event(f"fields:{known.version}", FieldsChanged(read, known.version), actor)
        held = await hold(session, execution, event.id, clock=clock)
        applied.append(await apply_event(session, held, event, bulk=True))
    return tuple(applied)


async def learn_fact(
    session: WriteSession,
    account: UUID,
    fact: Fact,
    actor: Actor = SYSTEM,
    *,
    clock: Clock = database_clock,
) -> tuple[Applied, ...]:
    """Let a fact complete or fill in the steps that wait for it, one in each open execution."""
    applied: list[Applied] = []
    body = FactArrived(fact.kind, str(fact.id), fact.occurred_at, fact.answers)
    for execution in await executions.open_for_account(session, account):
        reader = await _reader(session, execution)
        if waits_for(reader.definition, reader.state, fact.kind):
            event = Event(f"fact:{fact.id}", body, actor)
            held = await hold(session, execution, event.id, clock=clock)
            applied.append(await apply_event(session, held, event, bulk=True))
    return tuple(applied)


async def learn_facts(
    session: WriteSession,
    account: UUID,
    facts: Sequence[Fact],
    actor: Actor = SYSTEM,
    *,
    clock: Clock = database_clock,
) -> tuple[Applied, ...]:
    """The same for many facts, in their order; an execution is read once unless it moves.

    A fact from before a step opened is not its answer and makes no transition, so that a
    historical batch is quiet.
    """
    applied: list[Applied] = []
    for execution in await executions.open_for_account(session, account):
        reader = await _reader(session, execution)
        for fact in facts:
            if not waits_for(reader.definition, reader.state, fact.kind, fact.occurred_at):
                continue
            body = FactArrived(fact.kind, str(fact.id), fact.occurred_at, fact.answers)
            event = Event(f"fact:{fact.id}", body, actor)
            held = await hold(session, execution, event.id, clock=clock)
            applied.append(await apply_event(session, held, event, bulk=True))
            reader = await _reader(session, execution)
    return tuple(applied)


@dataclass(frozen=True, slots=True)
class _Reader:
    """An open execution, looked at before it is locked."""

    definition: Definition
    state: State
    now: datetime


async def _reader(session: WriteSession, execution: UUID) -> _Reader:
    stored = await executions.read(session, execution)
    definition = await versions.definition(session, stored.version_id, stored.content_hash)
    return _Reader(definition, state_from_json(stored.state), stored.database_now)


def waits_for(
    definition: Definition, state: State, fact: str, occurred_at: datetime | None = None
) -> bool:
    """Whether an open step of the execution would be completed or filled in by such a fact.

    Where it is said when it happened, of the steps that were open by then.
    """
    open_now = {
        step.key
        for step in state.steps
        if step.opened_at
        and step.closed_at is None
        and (occurred_at is None or step.opened_at <= occurred_at)
    }
    kinds = {
        kind
        for step in definition.steps()
        if step.key in open_now
        for kind in (*step.completes_on, *step.prefills_on)
    }
    return any(fact == kind or fact.startswith(f"{kind}.") for kind in kinds)
