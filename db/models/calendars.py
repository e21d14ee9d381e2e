"""Working calendars of an organization: zone, hours, holidays."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, empty_list, no, recorded


class Calendar(Base):
    """`hours`: [{weekday 0-6 from Monday, opens, closes in minutes from local midnight}].

    Public holidays come from `country` and `subdivision`; `holidays` adds dates, `workdays` takes
    dates away.
    """

    __tablename__ = "calendars"
    __table_args__ = (
        Index(
            "uq_calendars_one_default", "org_id", unique=True, postgresql_where=text("is_default")
        ),
    )

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    is_default: Mapped[bool] = no()
    timezone: Mapped[str]
    hours: Mapped[list[Any]]
    country: Mapped[str | None]
    subdivision: Mapped[str | None]
    holidays: Mapped[list[Any]] = empty_list()
    workdays: Mapped[list[Any]] = empty_list()
    updated_at: Mapped[datetime] = recorded()
