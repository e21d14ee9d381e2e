"""Evidence whose values are words, links, files or people (law 16); codes stay in the state."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, recorded, refers


class Evidence(WithinOrganization, Base):
    """`type` is an EvidenceType; `value` is that value as it was given."""

    __tablename__ = "evidence"
    __table_args__ = (
        refers("execution_id", to="executions.id"),
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("author_id", to="memberships.id"),
        Index("ix_evidence_org_id_execution_id", "org_id", "execution_id", "step", "occurrence"),
        Index("ix_evidence_org_id_account_id", "org_id", "account_id"),
    )

    execution_id: Mapped[UUID]
    step: Mapped[str]
    occurrence: Mapped[int]
    field: Mapped[str]
    type: Mapped[str]
    value: Mapped[str]
    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    author_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = recorded()
