"""People at an account: personal data, so always a row of its own (law 16)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, recorded, refers, word, yes


class Contact(WithinOrganization, Base):
    """`kind`: decision_maker, influencer, champion or end_user."""

    __tablename__ = "contacts"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        UniqueConstraint("org_id", "external_id"),
        Index("ix_contacts_org_id_account_id", "org_id", "account_id"),
        CheckConstraint(
            "kind in ('decision_maker', 'influencer', 'champion', 'end_user')", name="kind"
        ),
    )

    account_id: Mapped[UUID]
    external_id: Mapped[str | None]
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    title: Mapped[str | None]
    kind: Mapped[str] = word("end_user")
    active: Mapped[bool] = yes()
    created_at: Mapped[datetime] = recorded()
    updated_at: Mapped[datetime] = recorded()
