"""The answer kept under each event id, refusals too (law 2): insert-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, recorded, refers


class Answer(Base):
    """`request_digest` tells the same request from another one under the same id."""

    __tablename__ = "answers"
    __table_args__ = (refers("execution_id", to="executions.id"),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[str]
    answer: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime] = recorded()
