"""Where an organization wants its events sent, signed with `secret`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, empty_array, recorded, yes


class WebhookEndpoint(OfOrganization, Base):
    """`events` empty means every event. A 410 from the receiver makes it inactive."""

    __tablename__ = "webhook_endpoints"

    url: Mapped[str]
    secret: Mapped[str]
    events: Mapped[list[str]] = empty_array()
    active: Mapped[bool] = yes()
    inactive_reason: Mapped[str | None]
    created_at: Mapped[datetime] = recorded()
