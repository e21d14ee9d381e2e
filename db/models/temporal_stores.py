"""How far Temporal's store has come, as this record remembers it; no organization's data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, recorded


class TemporalStore(Base):
    """`pulse` only grows: a store that shows a smaller one has been set back."""

    __tablename__ = "temporal_stores"

    namespace: Mapped[str] = mapped_column(primary_key=True)
    pulse: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = recorded()
