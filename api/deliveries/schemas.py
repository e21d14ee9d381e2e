"""Deliveries as they are answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field

from api.shapes import View


class DeliveryStatus(StrEnum):
    pending = "pending"
    claimed = "claimed"
    delivered = "delivered"
    dead = "dead"
    withdrawn = "withdrawn"


class DeliveryView(View):
    """`last_error` is a code. A dead one was given up and can be redelivered."""

    id: UUID
    execution: UUID | None = Field(validation_alias="execution_id")
    number: int | None
    ordinal: int
    step: str | None
    occurrence: int | None
    channel: str
    recipient_kind: str
    recipient: UUID | None = Field(validation_alias="recipient_id")
    template: str
    urgent: bool
    carrier: str
    status: DeliveryStatus
    not_before: datetime | None
    attempts: int
    last_error: str | None
    result: dict[str, Any] | None
    created_at: datetime
    ended_at: datetime | None
