"""Which member holds which role on an account; one holder per role."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, recorded, refers


class AccountTeamPlace(Base):
    __tablename__ = "account_team"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("member_id", to="memberships.id"),
        Index("ix_account_team_org_id_member_id", "org_id", "member_id"),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    since: Mapped[datetime] = recorded()
