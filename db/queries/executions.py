"""Executions: locked, read, listed; `db/queries/record.py` writes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, func, literal_column, select, text

from db.bulk import table_of
from db.models.executions import Execution
from db.prepared import Prepared
from db.queries.answers import KeptAnswer
from db.queries.surroundings import ORGANIZATION, TEAM, Organization
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound

E = table_of(Execution).c


@dataclass(frozen=True, slots=True)
class StoredExecution:
    """An execution as it stands; `state` is JSON text.

    `database_now` is the database's clock; of a locked row, taken after the lock was given.
    """

    id: UUID
    playbook_key: str
    version_id: UUID
    content_hash: str
    engine: int
    subject_kind: str
    subject_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    concurrency_value: str
    status: str
    number: int
    started_at: datetime
    last_at: datetime
    next_deadline: datetime | None
    started_by: UUID | None
    cause: str
    state: str
    database_now: datetime


@dataclass(frozen=True, slots=True)
class Overdue:
    """An execution whose deadline passed without its workflow; see law 5."""

    id: UUID
    playbook_key: str
    number: int
    next_deadline: datetime


_COLUMNS = """
    e.id, e.playbook_key, e.version_id, e.content_hash, e.engine, e.subject_kind, e.subject_id,
    e.account_id, e.contact_id, e.concurrency_value, e.status, e.number, e.started_at, e.last_at,
    e.next_deadline, e.started_by, e.cause, e.state::text as state
"""
_KEPT = """
    (select jsonb_build_array(a.event_id, a.request_digest, a.answer::text) from answers a
     where a.org_id = :org and a.execution_id = :execution and a.event_id = :event)
"""
_BINDS = (
    bindparam("org", type_=Uuid()),
    bindparam("execution", type_=Uuid()),
    bindparam("event", type_=Text()),
    bindparam("since", type_=DateTime(timezone=True)),
)
# The clock is read above the lock, so that it shows when the lock was given, not asked for. What
# is read beside the row is as old as the statement: where the row was written while this waited
# (another xmin), it is read once more.
_HOLD = Prepared(
    text(
        f"""
        with held as materialized (
            select {_COLUMNS}, e.xmin as version
            from executions e where e.org_id = :org and e.id = :execution
            for no key update
        )
        select held.*, clock_timestamp(),
            held.version = (select s.xmin from executions s
                            where s.org_id = :org and s.id = :execution),
            {_KEPT}, {TEAM.format(account="held.account_id")}, {ORGANIZATION}
        from held
        """
    ).bindparams(*_BINDS)
)
_READ = Prepared(
    text(
        f"""
        select {_COLUMNS}, e.xmin, clock_timestamp()
        from executions e where e.org_id = :org and e.id = :execution
        """
    ).bindparams(*_BINDS[:2])
)


@dataclass(frozen=True, slots=True)
class Locked:
    """A row that this transaction holds, and what is around it."""

    stored: StoredExecution
    organization: Organization
    team: dict[str, str] | None
    kept: KeptAnswer | None


async def lock(
    session: WriteSession, execution: UUID, event_id: str | None, since: datetime
) -> Locked:
    """The execution, held until the transaction ends, with the answer kept under an event id.

    Absences that ended before `since` are left out. Raises NotFound (`execution_not_found`).
    """
    given = {
        "org": session.scope.org,
        "execution": execution,
        "event": event_id,
        "since": since,
    }
    rows = await session.ask(_HOLD, given)
    if rows and not rows[0][-6]:
        rows = await session.ask(_HOLD, given)
    if not rows:
        raise _unknown(execution)
    *columns, _, now, _, kept, team, members, absences, endpoints = rows[0]
    return Locked(
        stored=_stored(columns, now),
        organization=Organization.read(members, absences, endpoints),
        team=team,
        kept=KeptAnswer(*kept) if kept else None,
    )


async def read(session: ReadSession, execution: UUID) -> StoredExecution:
    """The execution as committed. Raises NotFound (`execution_not_found`)."""
    rows = await session.ask(_READ, {"org": session.scope.org, "execution": execution})
    if not rows:
        raise _unknown(execution)
    *columns, _, now = rows[0]
    return _stored(columns, now)


async def open_for_subject(
    session: ReadSession, subject_kind: str, subject_id: UUID, playbooks: Sequence[str] | None
) -> list[UUID]:
    """Executions of a subject that have not ended, in the order in which they are locked."""
    query = select(E.id).where(
        E.org_id == session.scope.org,
        E.subject_kind == subject_kind,
        E.subject_id == subject_id,
        E.status != literal_column("'ended'"),
    )
    if playbooks is not None:
        query = query.where(E.playbook_key.in_(playbooks))
    return list(await session.scalars(query.order_by(E.id)))


async def open_for_account(
    session: ReadSession, account: UUID, playbooks: Sequence[str] | None = None
) -> list[UUID]:
    """Executions about an account or its contacts that have not ended, in locking order."""
    query = select(E.id).where(
        E.org_id == session.scope.org,
        E.account_id == account,
        E.status != literal_column("'ended'"),
    )
    if playbooks is not None:
        query = query.where(E.playbook_key.in_(playbooks))
    return list(await session.scalars(query.order_by(E.id)))


async def accounts_with_open(session: ReadSession, accounts: Collection[UUID]) -> list[UUID]:
    """Those of the accounts that have an execution which has not ended, in the order of ids."""
    query = select(E.account_id).where(
        E.org_id == session.scope.org,
        E.account_id.in_(accounts),
        E.status != literal_column("'ended'"),
    )
    return sorted({account for account in await session.scalars(query) if account is not None})


async def overdue(
    session: ReadSession, by: timedelta = timedelta(minutes=1), limit: int = 500
) -> list[Overdue]:
    """Running executions whose deadline passed longer ago than `by`, the oldest first."""
    query = (
        select(E.id, E.playbook_key, E.number, E.next_deadline)
        .where(
            E.org_id == session.scope.org,
            E.status == literal_column("'running'"),
            E.next_deadline < func.clock_timestamp() - by,
        )
        .order_by(E.next_deadline)
        .limit(limit)
    )
    return [Overdue(*row) for row in await session.execute(query)]


def _stored(columns: Sequence[Any], now: datetime) -> StoredExecution:
    return StoredExecution(*[*columns, now])


def _unknown(execution: UUID) -> NotFound:
    return NotFound(
        "There is no such execution in this organization. Look it up in the list of executions.",
        code="execution_not_found",
        details={"execution": str(execution)},
    )
