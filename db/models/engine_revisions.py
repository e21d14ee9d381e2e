"""Which engine revisions are active (law 6); the same for every organization."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, recorded


class EngineRevision(Base):
    """A process that knows only lower revisions than an active one leaves the work to others."""

    __tablename__ = "engine_revisions"

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    activated_at: Mapped[datetime] = recorded()
