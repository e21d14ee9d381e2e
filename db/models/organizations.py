"""The tenants: every row, key and workflow belongs to exactly one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, no, recorded, word


class Organization(Base):
    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    timezone: Mapped[str] = word("UTC")
    country: Mapped[str | None]
    demo: Mapped[bool] = no()
    created_at: Mapped[datetime] = recorded()
