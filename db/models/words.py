"""Text that people wrote, one row per text; everything else refers to it by id (law 16)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, recorded, refers


class Words(OfOrganization, Base):
    """`purpose` says what the text is for: reason, note, task, touch, comment, amendment."""

    __tablename__ = "words"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("author_id", to="memberships.id"),
        Index("ix_words_org_id_account_id", "org_id", "account_id"),
    )

    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    author_id: Mapped[UUID | None]
    purpose: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime] = recorded()
