"""In-app notices, written in the transition itself (law 8)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, empty_object, no, recorded, refers


class Notification(WithinOrganization, Base):
    __tablename__ = "notifications"
    __table_args__ = (
        refers("member_id", to="memberships.id"),
        refers("execution_id", to="executions.id"),
        Index("ix_notifications_org_id_member_id", "org_id", "member_id", "created_at", "id"),
    )

    member_id: Mapped[UUID]
    code: Mapped[str]
    execution_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    number: Mapped[int | None]
    step: Mapped[str | None]
    occurrence: Mapped[int | None]
    params: Mapped[dict[str, Any]] = empty_object()
    urgent: Mapped[bool] = no()
    created_at: Mapped[datetime] = recorded()
    read_at: Mapped[datetime | None]
