"""What an account may buy or has bought. Money in cents of `currency`."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, big, recorded, refers


class Deal(WithinOrganization, Base):
    __tablename__ = "deals"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("owner_id", to="memberships.id"),
        UniqueConstraint("org_id", "external_id"),
        Index("ix_deals_org_id_account_id", "org_id", "account_id"),
    )

    account_id: Mapped[UUID]
    owner_id: Mapped[UUID | None]
    external_id: Mapped[str | None]
    name: Mapped[str]
    stage: Mapped[str]
    amount_cents: Mapped[int | None] = big()
    currency: Mapped[str | None]
    closes_on: Mapped[date | None]
    created_at: Mapped[datetime] = recorded()
    updated_at: Mapped[datetime] = recorded()
