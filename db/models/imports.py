"""Files that were taken in, whole or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from db.models.base import (
    Base,
    OfOrganization,
    empty_list,
    empty_object,
    recorded,
    refers,
    starting_at,
)


class Import(OfOrganization, Base):
    """`status`: running, done, checked, refused or failed; of one that is running, the process at
    it holds an advisory lock. `faults` lists line, column and code of rows at fault."""

    __tablename__ = "imports"
    __table_args__ = (
        refers("started_by", to="memberships.id"),
        Index("ix_imports_org_id_created_at", "org_id", "created_at", "id"),
    )

    kind: Mapped[str]
    file_digest: Mapped[str]
    mapping: Mapped[dict[str, Any]] = empty_object()
    status: Mapped[str]
    total: Mapped[int] = starting_at(0)
    created: Mapped[int] = starting_at(0)
    updated: Mapped[int] = starting_at(0)
    unchanged: Mapped[int] = starting_at(0)
    faults: Mapped[list[Any]] = empty_list()
    started_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = recorded()
    ended_at: Mapped[datetime | None]
