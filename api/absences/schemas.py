"""Absences as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field, model_validator

from api.shapes import Body, Instant, View


class AbsenceBody(Body):
    """From `starts_at` until before `ends_at`. Without a member it is the caller's own."""

    delegate: UUID
    starts_at: Instant
    ends_at: Instant
    member: UUID | None = None

    @model_validator(mode="after")
    def _in_order(self) -> AbsenceBody:
        if self.starts_at >= self.ends_at:
            raise ValueError("an absence ends after it starts")
        return self


class AbsenceView(View):
    id: UUID
    member: UUID = Field(validation_alias="member_id")
    delegate: UUID = Field(validation_alias="delegate_id")
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    cancelled_at: datetime | None
