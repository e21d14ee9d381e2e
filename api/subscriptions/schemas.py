"""Subscriptions as they are sent and answered. Money in cents of the row's currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.shapes import Body, Count, Currency, Line, Money, View

Limits = Annotated[dict[Line, Count], Field(max_length=50)]


class SubscriptionBody(Body):
    account: UUID
    plan: Line | None = None
    status: Line = "active"
    seats: Count | None = None
    limits: Limits = Field(default_factory=dict)
    mrr_cents: Money | None = None
    arr_cents: Money | None = None
    currency: Currency | None = None
    billing: Line | None = None
    auto_renew: bool | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    renews_on: date | None = None
    external_id: Line | None = None

    def columns(self) -> dict[str, Any]:
        """The row's columns."""
        return self.model_dump(exclude={"account"}) | {"account_id": self.account}


class SubscriptionChange(Body):
    """Only the fields that are sent change."""

    plan: Line | None = None
    status: Line = "active"
    seats: Count | None = None
    limits: Limits = Field(default_factory=dict)
    mrr_cents: Money | None = None
    arr_cents: Money | None = None
    currency: Currency | None = None
    billing: Line | None = None
    auto_renew: bool | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    renews_on: date | None = None

    def columns(self) -> dict[str, Any]:
        """The row's columns that change."""
        return self.model_dump(exclude_unset=True)


class SubscriptionView(View):
    id: UUID
    account: UUID = Field(validation_alias="account_id")
    external_id: str | None
    plan: str | None
    status: str
    seats: int | None
    limits: dict[str, Any]
    mrr_cents: int | None
    arr_cents: int | None
    currency: str | None
    billing: str | None
    auto_renew: bool | None
    starts_on: date | None
    ends_on: date | None
    renews_on: date | None
    created_at: datetime
    updated_at: datetime
