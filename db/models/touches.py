"""Calls, meetings and mails with an account: when they happened, and when recorded."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, recorded, refers, yes


class Touch(WithinOrganization, Base):
    """`two_way` tells that the customer took part: a call that was answered, a reply."""

    __tablename__ = "touches"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("member_id", to="memberships.id"),
        refers("words_id", to="words.id"),
        UniqueConstraint("org_id", "external_id"),
        CheckConstraint("kind in ('meeting', 'call', 'mail')", name="kind"),
        Index("ix_touches_org_id_account_id", "org_id", "account_id", "occurred_at"),
    )

    account_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    member_id: Mapped[UUID | None]
    words_id: Mapped[UUID | None]
    external_id: Mapped[str | None]
    kind: Mapped[str]
    two_way: Mapped[bool] = yes()
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = recorded()
