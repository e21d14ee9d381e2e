"""Executions as people list and read them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, func, select, tuple_

from db.models.accounts import Account
from db.models.executions import Execution
from db.models.playbook_versions import PlaybookVersion
from db.models.steps import Step
from db.prepared import Prepared
from db.sessions import ReadSession
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class Head:
    """What an execution is about, and who holds each of its steps ("step/occurrence") now."""

    id: UUID
    playbook: str
    version: int
    version_id: UUID
    content_hash: str
    subject_kind: str
    subject: UUID
    account: UUID | None
    account_name: str | None
    contact: UUID | None
    cause: str
    started_by: UUID | None
    next_deadline: datetime | None
    held_by: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list."""

    id: UUID
    playbook: str
    status: str
    account: UUID | None
    account_name: str | None
    contact: UUID | None
    cause: str
    number: int
    started_at: datetime
    next_deadline: datetime | None
    outcome: str | None
    outcome_code: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """What a list is narrowed to; None means anything."""

    status: str | None = None
    playbook: str | None = None
    account: UUID | None = None


def no_execution(execution: UUID) -> NotFound:
    return NotFound(
        "There is no such execution in this organization. Look it up in the list of executions.",
        code="execution_not_found",
        details={"execution": str(execution)},
    )


async def list_executions(
    session: ReadSession,
    wanted: ExecutionFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Summary]:
    """Executions, the last started first, at most `limit`, following (started_at, id) `after`."""
    query = (
        select(
            Execution.id,
            Execution.playbook_key,
            Execution.status,
            Execution.account_id,
            Account.name,
            Execution.contact_id,
            Execution.cause,
            Execution.number,
            Execution.started_at,
            Execution.next_deadline,
            Execution.outcome,
            Execution.outcome_code,
            Execution.ended_at,
        )
        .outerjoin(
            Account, (Account.org_id == Execution.org_id) & (Account.id == Execution.account_id)
        )
        .where(Execution.org_id == session.scope.org)
    )
    if wanted.status is not None:
        query = query.where(Execution.status == wanted.status)
    if wanted.playbook is not None:
        query = query.where(Execution.playbook_key == wanted.playbook)
    if wanted.account is not None:
        query = query.where(Execution.account_id == wanted.account)
    if after is not None:
        query = query.where(tuple_(Execution.started_at, Execution.id) < after)
    query = query.order_by(Execution.started_at.desc(), Execution.id.desc()).limit(limit)
    return [Summary(*list(row)) for row in await session.execute(query)]


# Made once: commands ask these each time, and building a statement costs more than running it.
_THIS = (
    Execution.org_id == bindparam("org", type_=Uuid()),
    Execution.id == bindparam("execution", type_=Uuid()),
)
_held = (
    select(
        func.jsonb_object_agg(
            func.concat(Step.step, "/", Step.occurrence), cast(Step.assignee_id, Text)
        )
    )
    .where(Step.org_id == Execution.org_id, Step.execution_id == Execution.id)
    .correlate(Execution)
    .scalar_subquery()
)
_HEAD = Prepared(
    select(
        Execution.id,
        Execution.playbook_key,
        PlaybookVersion.number,
        Execution.version_id,
        Execution.content_hash,
        Execution.subject_kind,
        Execution.subject_id,
        Execution.account_id,
        Account.name,
        Execution.contact_id,
        Execution.cause,
        Execution.started_by,
        Execution.next_deadline,
        _held,
    )
    .join(
        PlaybookVersion,
        (PlaybookVersion.org_id == Execution.org_id) & (PlaybookVersion.id == Execution.version_id),
    )
    .outerjoin(Account, (Account.org_id == Execution.org_id) & (Account.id == Execution.account_id))
    .where(*_THIS)
)
_VERSION = Prepared(select(Execution.version_id, Execution.content_hash).where(*_THIS))


async def read_head(session: ReadSession, execution: UUID) -> Head:
    """Raises NotFound `execution_not_found`."""
    rows = await session.ask(_HEAD, {"org": session.scope.org, "execution": execution})
    if not rows:
        raise no_execution(execution)
    head = Head(*rows[0])
    return replace(head, held_by=head.held_by or {})


async def version_of(session: ReadSession, execution: UUID) -> tuple[UUID, str]:
    """The id and the content hash of the version that it runs. NotFound `execution_not_found`."""
    rows = await session.ask(_VERSION, {"org": session.scope.org, "execution": execution})
    if not rows:
        raise no_execution(execution)
    version, content_hash = rows[0]
    return version, content_hash
