"""Executions: locked, read, listed; `db/queries/record.py` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, func, literal_column, select

from db.bulk import table_of
from db.models.executions import Execution
from db.prepared import Prepared
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


_STORED = (
    E.id,
    E.playbook_key,
    E.version_id,
    E.content_hash,
    E.engine,
    E.subject_kind,
    E.subject_id,
    E.account_id,
    E.contact_id,
    E.concurrency_value,
    E.status,
    E.number,
    E.started_at,
    E.last_at,
    E.next_deadline,
    E.started_by,
    E.cause,
    cast(E.state, Text).label("state"),
)
_ONE = select(*_STORED).where(
    E.org_id == bindparam("org", type_=Uuid()), E.id == bindparam("execution", type_=Uuid())
)
_NOW = func.clock_timestamp().label("database_now")
# The clock is read above the lock, so that it shows when the lock was given, not asked for.
_held = _ONE.with_for_update(key_share=True).cte("held").prefix_with("materialized")
_LOCK = Prepared(select(_held, _NOW))
_READ = Prepared(_ONE.add_columns(_NOW))


async def lock(session: WriteSession, execution: UUID) -> StoredExecution:
    """The execution, held until the transaction ends. Raises NotFound (`execution_not_found`)."""
    return await _one(session, _LOCK, execution)


async def read(session: ReadSession, execution: UUID) -> StoredExecution:
    """The execution as committed. Raises NotFound (`execution_not_found`)."""
    return await _one(session, _READ, execution)


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


async def _one(session: ReadSession, asked: Prepared, execution: UUID) -> StoredExecution:
    rows = await session.ask(asked, {"org": session.scope.org, "execution": execution})
    if not rows:
        raise _unknown(execution)
    return StoredExecution(*rows[0])


def _unknown(execution: UUID) -> NotFound:
    return NotFound(
        "There is no such execution in this organization. Look it up in the list of executions.",
        code="execution_not_found",
        details={"execution": str(execution)},
    )
