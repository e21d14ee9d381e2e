"""Customer companies. Money in cents of `currency`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, big, empty_object, recorded, starting_at, word


class Account(OfOrganization, Base):
    """`attributes` keeps imported columns that have no column here."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("org_id", "external_id"),
        Index("ix_accounts_org_id_name", "org_id", "name", "id"),
        Index("ix_accounts_org_id_renewal_date", "org_id", "renewal_date"),
    )

    external_id: Mapped[str | None]
    name: Mapped[str]
    stage: Mapped[str] = word("customer")
    tier: Mapped[str | None]
    plan: Mapped[str | None]
    seats: Mapped[int | None]
    arr_cents: Mapped[int | None] = big()
    currency: Mapped[str | None]
    renewal_date: Mapped[date | None]
    industry: Mapped[str | None]
    country: Mapped[str | None]
    customer_since: Mapped[date | None]
    attributes: Mapped[dict[str, Any]] = empty_object()
    version: Mapped[int] = starting_at(1)
    created_at: Mapped[datetime] = recorded()
    updated_at: Mapped[datetime] = recorded()
