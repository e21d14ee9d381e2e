"""Accounts and their teams as they are sent and answered. Money in cents of the currency."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.executions.schemas import Standing
from api.shapes import Body, Count, Currency, Line, Money, Prose, View
from domain.playbook.definition import Role


class Place(View):
    role: Role
    member: UUID = Field(validation_alias="member_id")
    since: datetime


class AccountView(View):
    id: UUID
    external_id: str | None
    name: str
    stage: str
    tier: str | None
    plan: str | None
    seats: int | None
    arr_cents: int | None
    currency: str | None
    renewal_date: date | None
    industry: str | None
    country: str | None
    customer_since: date | None
    attributes: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    team: list[Place] = Field(default_factory=list)


class AccountBody(Body):
    name: Line
    external_id: Line | None = None
    stage: Line = "customer"
    tier: Line | None = None
    plan: Line | None = None
    seats: Count | None = None
    arr_cents: Money | None = None
    currency: Currency | None = None
    renewal_date: date | None = None
    industry: Line | None = None
    country: Line | None = None
    customer_since: date | None = None


class AccountChange(Body):
    """Only the fields that are sent change. `version` is the one that was read, if checked."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    name: Line = ""
    stage: Line = "customer"
    tier: Line | None = None
    plan: Line | None = None
    seats: Count | None = None
    arr_cents: Money | None = None
    currency: Currency | None = None
    renewal_date: date | None = None
    industry: Line | None = None
    country: Line | None = None
    customer_since: date | None = None


class PlaceBody(Body):
    member: UUID
    reason: Prose | None = None


class PlaceResult(StrEnum):
    placed = "placed"
    hand_over_started = "hand_over_started"
    unchanged = "unchanged"


class PlaceAnswer(View):
    """Where somebody holds the role already, a hand-over is started: the giver carries the clocks
    until the receiver accepts."""

    result: PlaceResult
    team: list[Place]
    hand_over: Standing | None = None


class ActivityView(View):
    """One thing that happened around an account. `text` is what a person wrote, if anything."""

    at: datetime
    recorded_at: datetime
    kind: str
    id: str
    actor: UUID | None
    execution: UUID | None
    playbook: str | None
    step: str | None
    number: int | None
    text: str | None
