"""Audit entries: written beside what they record, listed newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from db.bulk import encoded, insertion, table_of
from db.models.audit_entries import AuditEntry
from db.prepared import Prepared
from db.sessions import ReadSession, WriteSession

A = table_of(AuditEntry).c


@dataclass(frozen=True, slots=True)
class NewAuditEntry:
    """Who did what to what, when and why. Ids, codes, numbers and instants only (law 16).

    `outcome` is "done", "refused" or "denied"; `seen` is the data the actor had before them.
    """

    id: UUID
    at: datetime
    action: str
    object_kind: str
    object_id: str
    actor_id: UUID | None = None
    on_behalf_of: UUID | None = None
    outcome: str = "done"
    reason_id: UUID | None = None
    reason_code: str | None = None
    seen: dict[str, Any] | None = None
    data: dict[str, Any] | None = None


AUDIT_COLUMNS = tuple(NewAuditEntry.__dataclass_fields__)
_INSERT = Prepared(insertion(AuditEntry, AUDIT_COLUMNS))


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a list is narrowed to; None means anything. From `since` until before `until`."""

    actor: UUID | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def insert_many(session: WriteSession, entries: Sequence[NewAuditEntry]) -> None:
    """Writes entries, unsealed."""
    if entries:
        await session.ask(_INSERT, {"org": session.scope.org, "rows": encoded(entries)})


async def list_entries(
    session: ReadSession,
    wanted: AuditFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[AuditEntry]:
    """Entries, newest first, at most `limit`, following the (at, id) `after`."""
    query = select(AuditEntry).where(AuditEntry.org_id == session.scope.org)
    for column, value in (
        (AuditEntry.actor_id, wanted.actor),
        (AuditEntry.action, wanted.action),
        (AuditEntry.object_kind, wanted.object_kind),
        (AuditEntry.object_id, wanted.object_id),
        (AuditEntry.outcome, wanted.outcome),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    if after is not None:
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < after)
    query = query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)
    return (await session.scalars(query)).all()
