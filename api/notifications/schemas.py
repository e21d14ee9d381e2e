"""In-app notices as they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.shapes import Body, View


class NotificationView(View):
    """`code` says what it is about, as "escalation"; `params` holds codes and instants."""

    id: UUID
    code: str
    execution: UUID | None = Field(validation_alias="execution_id")
    account: UUID | None = Field(validation_alias="account_id")
    number: int | None
    step: str | None
    occurrence: int | None
    params: dict[str, Any]
    urgent: bool
    created_at: datetime
    read_at: datetime | None


class ReadBody(Body):
    ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class ReadAnswer(View):
    """How many of them were unread."""

    read: int
