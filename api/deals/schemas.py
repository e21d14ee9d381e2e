"""Deals as they are sent and answered. Money in cents of the deal's currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.shapes import Body, Currency, Line, Money, View


class DealBody(Body):
    account: UUID
    name: Line
    stage: Line
    owner: UUID | None = None
    amount_cents: Money | None = None
    currency: Currency | None = None
    closes_on: date | None = None
    external_id: Line | None = None

    def columns(self) -> dict[str, Any]:
        """The row's columns."""
        values = self.model_dump(exclude={"account", "owner"})
        return values | {"account_id": self.account, "owner_id": self.owner}


class DealChange(Body):
    """Only the fields that are sent change."""

    name: Line = ""
    stage: Line = ""
    owner: UUID | None = None
    amount_cents: Money | None = None
    currency: Currency | None = None
    closes_on: date | None = None

    def columns(self) -> dict[str, Any]:
        """The row's columns that change."""
        values = self.model_dump(exclude_unset=True)
        if "owner" in values:
            values["owner_id"] = values.pop("owner")
        return values


class DealView(View):
    id: UUID
    account: UUID = Field(validation_alias="account_id")
    owner: UUID | None = Field(validation_alias="owner_id")
    external_id: str | None
    name: str
    stage: str
    amount_cents: int | None
    currency: str | None
    closes_on: date | None
    created_at: datetime
    updated_at: datetime
