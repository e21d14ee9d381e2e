"""One row per account: the fields that definitions read, and their version (law 15)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, big, empty_object, recorded, refers


class AccountStatistics(Base):
    """Locked for share by a transition that begins to read fields, for update by intake."""

    __tablename__ = "account_statistics"
    __table_args__ = (refers("account_id", to="accounts.id"),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = big(server_default=text("0"))
    fields: Mapped[dict[str, Any]] = empty_object()
    updated_at: Mapped[datetime] = recorded()
