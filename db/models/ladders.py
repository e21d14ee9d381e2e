"""An organization's own escalation ladders, in place of those in its playbooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, recorded


class LadderOverride(Base):
    """`playbook_key` empty means every playbook that uses a ladder of this key."""

    __tablename__ = "ladders"

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    playbook_key: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    ladder: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = recorded()
