"""What an account pays for: plan, seats, limits, dates. Money in cents of `currency`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, big, empty_object, recorded, refers, word


class Subscription(WithinOrganization, Base):
    __tablename__ = "subscriptions"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        UniqueConstraint("org_id", "external_id"),
        Index("ix_subscriptions_org_id_account_id", "org_id", "account_id"),
    )

    account_id: Mapped[UUID]
    external_id: Mapped[str | None]
    plan: Mapped[str | None]
    status: Mapped[str] = word("active")
    seats: Mapped[int | None]
    limits: Mapped[dict[str, Any]] = empty_object()
    mrr_cents: Mapped[int | None] = big()
    arr_cents: Mapped[int | None] = big()
    currency: Mapped[str | None]
    billing: Mapped[str | None]
    auto_renew: Mapped[bool | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    renews_on: Mapped[date | None]
    created_at: Mapped[datetime] = recorded()
    updated_at: Mapped[datetime] = recorded()
