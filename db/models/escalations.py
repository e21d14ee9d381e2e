"""Ladder levels that fired: who was told, who acknowledged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, empty_list, recorded, refers


class Escalation(WithinOrganization, Base):
    """`due_at` is the instant the level was due, `recorded_at` when it was settled.

    `tell` lists the members as they were resolved when the level fired.
    """

    __tablename__ = "escalations"
    __table_args__ = (
        refers("execution_id", to="executions.id"),
        refers("acknowledged_by", to="memberships.id"),
        UniqueConstraint("org_id", "execution_id", "number", "step", "occurrence", "level"),
        Index(
            "ix_escalations_open",
            "org_id",
            "recorded_at",
            postgresql_where=text("acknowledged_at is null"),
        ),
    )

    execution_id: Mapped[UUID]
    number: Mapped[int]
    step: Mapped[str]
    occurrence: Mapped[int]
    level: Mapped[int]
    due_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = recorded()
    late: Mapped[bool]
    tell: Mapped[list[Any]] = empty_list()
    took_over_id: Mapped[UUID | None]
    acknowledged_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
