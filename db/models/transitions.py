"""Numbered changes of executions: insert-only. `digest` is over event, instant and state."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, no, recorded, refers


class Transition(Base):
    """What a workflow is told of it stands here too, so that telling again reads one table."""

    __tablename__ = "transitions"
    __table_args__ = (
        refers("execution_id", to="executions.id"),
        UniqueConstraint("org_id", "execution_id", "event_id"),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str]
    kind: Mapped[str]
    event: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = recorded()
    late: Mapped[bool]
    commands: Mapped[list[Any]]
    digest: Mapped[str]
    actor_id: Mapped[UUID | None]
    on_behalf_of: Mapped[UUID | None]
    reason_code: Mapped[str | None]
    next_deadline: Mapped[datetime | None]
    ended: Mapped[bool] = no()
