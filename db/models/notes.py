"""What a person noted on an account; the text is words."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, recorded, refers


class Note(OfOrganization, Base):
    __tablename__ = "notes"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("author_id", to="memberships.id"),
        refers("words_id", to="words.id"),
        Index("ix_notes_org_id_account_id", "org_id", "account_id", "created_at"),
    )

    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    author_id: Mapped[UUID]
    words_id: Mapped[UUID]
    created_at: Mapped[datetime] = recorded()
