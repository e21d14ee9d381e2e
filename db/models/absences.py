"""When a member is away, and who stands in. Moves people, never an instant (law 10)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, recorded, refers


class Absence(WithinOrganization, Base):
    """From `starts_at` until before `ends_at`."""

    __tablename__ = "absences"
    __table_args__ = (
        refers("member_id", to="memberships.id"),
        refers("delegate_id", to="memberships.id"),
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("member_id <> delegate_id", name="another"),
        Index("ix_absences_org_id_member_id", "org_id", "member_id", "ends_at"),
    )

    member_id: Mapped[UUID]
    delegate_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime] = recorded()
    cancelled_at: Mapped[datetime | None]
