"""Published versions: insert-only, named by the hash of their content."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, recorded, refers


class PlaybookVersion(WithinOrganization, Base):
    """`source` is the YAML as published, `definition` the compiled form, `number` counts from 1."""

    __tablename__ = "playbook_versions"
    __table_args__ = (
        refers("playbook_key", to="playbooks.key"),
        refers("published_by", to="memberships.id"),
        UniqueConstraint("org_id", "playbook_key", "number"),
        UniqueConstraint("org_id", "playbook_key", "content_hash"),
    )

    playbook_key: Mapped[str]
    number: Mapped[int]
    source: Mapped[str]
    definition: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    engine: Mapped[int]
    published_by: Mapped[UUID]
    published_at: Mapped[datetime] = recorded()
