"""Who did what, when, why, seeing what: insert-only, chained by the sealer (law 14)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, big, recorded, word


class AuditEntry(OfOrganization, Base):
    """`seq`, `prev_hash` and `hash` are None until sealed; nothing else ever changes.

    Holds ids, codes, numbers and instants only, so that erasure keeps the chain whole.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("uq_audit_entries_org_id_seq", "org_id", "seq", unique=True),
        Index(
            "ix_audit_entries_unsealed",
            "org_id",
            "recorded_at",
            "id",
            postgresql_where=text("seq is null"),
        ),
        Index("ix_audit_entries_org_id_at", "org_id", "at", "id"),
        Index("ix_audit_entries_object", "org_id", "object_kind", "object_id", "at"),
    )

    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = recorded()
    actor_id: Mapped[UUID | None]
    on_behalf_of: Mapped[UUID | None]
    action: Mapped[str]
    outcome: Mapped[str] = word("done")
    object_kind: Mapped[str]
    object_id: Mapped[str]
    reason_id: Mapped[UUID | None]
    reason_code: Mapped[str | None]
    seen: Mapped[dict[str, Any] | None]
    data: Mapped[dict[str, Any] | None]
    seq: Mapped[int | None] = big()
    prev_hash: Mapped[bytes | None]
    hash: Mapped[bytes | None]
