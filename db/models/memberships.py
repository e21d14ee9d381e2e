"""Members: a person, or the organization's service, in one organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, OfOrganization, empty_array, no, recorded, refers, yes


class Membership(OfOrganization, Base):
    """Its id is the member's id everywhere else. The service member has no person."""

    __tablename__ = "memberships"
    __table_args__ = (
        refers("manager_id", to="memberships.id"),
        UniqueConstraint("org_id", "user_id"),
        CheckConstraint("service or user_id is not null", name="has_person"),
        Index(
            "ix_memberships_one_service", "org_id", unique=True, postgresql_where=text("service")
        ),
    )

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    roles: Mapped[list[str]] = empty_array()
    manager_id: Mapped[UUID | None]
    active: Mapped[bool] = yes()
    service: Mapped[bool] = no()
    created_at: Mapped[datetime] = recorded()
