"""Messages to the outside, each with its carrier, attempts and result (law 8)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from db.models.base import (
    Base,
    OfOrganization,
    empty_object,
    no,
    recorded,
    refers,
    starting_at,
    word,
)


class Delivery(OfOrganization, Base):
    """Sent at least once under the key (execution, number, ordinal).

    `carrier`: workflow (its execution's), digest, or own (a delivery workflow, as after a
    redelivery). `status`: pending, claimed, delivered, dead or withdrawn. `params` holds ids,
    codes, numbers and instants only.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        refers("execution_id", to="executions.id"),
        UniqueConstraint("org_id", "execution_id", "number", "ordinal"),
        CheckConstraint("carrier in ('workflow', 'digest', 'own')", name="carrier"),
        CheckConstraint(
            "status in ('pending', 'claimed', 'delivered', 'dead', 'withdrawn')", name="status"
        ),
        Index(
            "ix_deliveries_unfinished",
            "org_id",
            "execution_id",
            postgresql_where=text("status in ('pending', 'claimed')"),
        ),
        Index(
            "ix_deliveries_digest",
            "org_id",
            "recipient_id",
            "not_before",
            postgresql_where=text("carrier = 'digest' and status in ('pending', 'claimed')"),
        ),
        Index("ix_deliveries_status", "org_id", "status", "created_at", "id"),
    )

    execution_id: Mapped[UUID | None]
    number: Mapped[int | None]
    ordinal: Mapped[int]
    step: Mapped[str | None]
    occurrence: Mapped[int | None]
    channel: Mapped[str]
    recipient_kind: Mapped[str]
    recipient_id: Mapped[UUID | None]
    template: Mapped[str]
    params: Mapped[dict[str, Any]] = empty_object()
    urgent: Mapped[bool] = no()
    carrier: Mapped[str] = word("workflow")
    status: Mapped[str] = word("pending")
    not_before: Mapped[datetime | None]
    attempts: Mapped[int] = starting_at(0)
    fencing: Mapped[int] = starting_at(0)
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = recorded()
    ended_at: Mapped[datetime | None]
