"""The bare arm's rows: execution, step, transition, audit entry, delivery, in one statement.

Five tables of the same work as ours, with fewer columns and indexes, no row security and no chain:
every such difference is in the bare arm's favour.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb
from temporalio import activity

from bench.bare.messages import BareTransition, Writing

SCHEMA = """
create table executions (
    id uuid primary key, account uuid not null, status text not null, number integer not null,
    state jsonb not null, next_deadline timestamptz, last_at timestamptz not null
);
create table steps (
    execution uuid not null, step text not null, status text not null, assignee uuid,
    title text not null, opened_at timestamptz not null, due_at timestamptz, closed_at timestamptz,
    breached_at timestamptz, primary key (execution, step)
);
create index steps_inbox on steps (assignee, due_at) where closed_at is null;
create table transitions (
    execution uuid not null, number integer not null, event_id text not null, kind text not null,
    event jsonb not null, at timestamptz not null, recorded_at timestamptz not null default now(),
    actor uuid, primary key (execution, number), unique (execution, event_id)
);
create table audit_entries (
    id uuid primary key, execution uuid not null, at timestamptz not null, actor uuid,
    action text not null, data jsonb not null
);
create index audit_by_execution on audit_entries (execution, at);
create table deliveries (
    id uuid primary key, execution uuid not null, number integer not null, step text not null,
    channel text not null, recipient uuid, template text not null,
    status text not null default 'pending', unique (execution, number)
);
"""

# Everything hangs on the transition's row, so that a repeated attempt writes nothing.
_WRITE = """
with made as (
    insert into transitions (execution, number, event_id, kind, event, at, actor)
    values (%(execution)s, %(number)s, %(event_id)s, %(kind)s, %(event)s, %(at)s, %(actor)s)
    on conflict do nothing returning execution
), execution as (
    insert into executions (id, account, status, number, state, next_deadline, last_at)
    select made.execution, %(account)s, %(status)s, %(number)s, %(state)s, %(due_at)s, %(at)s
    from made
    on conflict (id) do update set status = excluded.status, number = excluded.number,
        state = excluded.state, next_deadline = excluded.next_deadline, last_at = excluded.last_at
), closed as (
    update steps s set status = 'completed', closed_at = %(at)s
    from made where s.execution = made.execution and s.step = %(closes)s
), breached as (
    update steps s set breached_at = %(at)s
    from made where s.execution = made.execution and s.step = %(breaches)s
), opened as (
    insert into steps (execution, step, status, assignee, title, opened_at, due_at)
    select made.execution, %(opens)s, 'open', %(assignee)s, %(title)s, %(at)s, %(due_at)s
    from made where %(opens)s::text is not null
), entry as (
    insert into audit_entries (id, execution, at, actor, action, data)
    select %(entry)s, made.execution, %(at)s, %(actor)s, %(kind)s, %(data)s from made
)
insert into deliveries (id, execution, number, step, channel, recipient, template)
select %(delivery)s, made.execution, %(number)s, coalesce(%(opens)s, %(breaches)s), 'mail',
    %(assignee)s, %(kind)s
from made where coalesce(%(opens)s, %(breaches)s)::text is not null
"""


class Rows(Writing):
    """Writes by a pool of `size` connections, as many as our worker's."""

    def __init__(self, url: str, *, size: int = 15) -> None:
        self._url = url
        self._free: asyncio.LifoQueue[psycopg.AsyncConnection[Any]] = asyncio.LifoQueue()
        self._size = size

    async def open(self) -> None:
        for _ in range(self._size):
            self._free.put_nowait(
                await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, prepare_threshold=1
                )
            )

    async def close(self) -> None:
        while not self._free.empty():
            await self._free.get_nowait().close()

    @activity.defn(name="write")
    async def write(self, transition: BareTransition) -> None:
        connection = await self._free.get()
        try:
            await connection.execute(_WRITE, _parameters(transition))
        finally:
            self._free.put_nowait(connection)


def _parameters(one: BareTransition) -> dict[str, Any]:
    ended = one.opens is None and one.breaches is None
    event = {
        "id": one.event_id,
        "actor": one.actor,
        "body": {"kind": one.kind, "step": one.closes or one.breaches, "answers": one.answers},
    }
    return {
        "execution": one.execution,
        "account": one.account,
        "number": one.number,
        "event_id": one.event_id,
        "kind": one.kind,
        "event": Jsonb(event),
        "at": one.at,
        "actor": one.actor,
        "status": "ended" if ended else "running",
        "state": Jsonb({"number": one.number, "open": one.opens, "due_at": _iso(one.due_at)}),
        "due_at": one.due_at,
        "closes": one.closes,
        "breaches": one.breaches,
        "opens": one.opens,
        "assignee": one.actor,
        "title": f"Do the work of {one.opens}",
        "entry": uuid4(),
        "data": Jsonb({"number": one.number, "event_id": one.event_id}),
        "delivery": uuid4(),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
