"""Transitions that no workflow has confirmed yet; a row goes when it was told (law 5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, no, refers, starting_at


class RelayRow(Base):
    """`bulk` rows wait behind people's. Claims go across organizations, so one index does too."""

    __tablename__ = "relay"
    __table_args__ = (
        refers("execution_id", to="executions.id"),
        Index("ix_relay_order", "bulk", "created_at"),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    bulk: Mapped[bool] = no()
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = starting_at(0)
