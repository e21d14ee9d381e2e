"""Bearer tokens: only the SHA-256 of the secret is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, empty_array, recorded, refers


class ApiToken(OfOrganization, Base):
    """Found by hash before an organization is known, hence an index that begins with the hash."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        refers("member_id", to="memberships.id"),
        Index("ix_api_tokens_org_id_member_id", "org_id", "member_id"),
        Index("ix_api_tokens_sha256", "sha256"),
    )

    member_id: Mapped[UUID]
    name: Mapped[str]
    prefix: Mapped[str]
    sha256: Mapped[bytes]
    scopes: Mapped[list[str]] = empty_array()
    created_at: Mapped[datetime] = recorded()
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
