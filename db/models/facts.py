"""Dated observations: when they happened, were recorded, and became known. Never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, empty_object, recorded, refers


class Fact(WithinOrganization, Base):
    """`content` holds codes, numbers and instants only (law 16); `digest` is of what was sent.

    A correction is a fact of its own that names in `corrects` the one it takes the place of. It
    may bear the same source and external id, and a fact is corrected once: whoever corrects again
    corrects the correction, so that the order of corrections is never in doubt.
    """

    __tablename__ = "facts"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("corrects", to="facts.id"),
        UniqueConstraint("org_id", "corrects"),
        CheckConstraint("corrects <> id", name="corrects_another"),
        Index(
            "uq_facts_org_id_source_external_id",
            "org_id",
            "source",
            "external_id",
            unique=True,
            postgresql_where=text("corrects is null"),
        ),
        Index("ix_facts_org_id_source_external_id", "org_id", "source", "external_id"),
        Index("ix_facts_org_id_account_id_kind", "org_id", "account_id", "kind", "happened_at"),
    )

    account_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    kind: Mapped[str]
    source: Mapped[str]
    external_id: Mapped[str]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = recorded()
    known_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = empty_object()
    digest: Mapped[bytes]
    corrects: Mapped[UUID | None]
