"""The end of each organization's audit chain."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, big, recorded


class AuditHead(Base):
    __tablename__ = "audit_heads"

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    seq: Mapped[int] = big()
    hash: Mapped[bytes]
    sealed_at: Mapped[datetime] = recorded()
