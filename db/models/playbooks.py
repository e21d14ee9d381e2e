"""Playbooks of an organization: which are enabled, and in which version."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, no, recorded


class Playbook(Base):
    """`enabled_version` is the number that new executions start with; None: none yet."""

    __tablename__ = "playbooks"

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    enabled: Mapped[bool] = no()
    enabled_version: Mapped[int | None]
    created_at: Mapped[datetime] = recorded()
    updated_at: Mapped[datetime] = recorded()
