"""Contacts as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from api.shapes import Body, Line, View


class ContactKind(StrEnum):
    decision_maker = "decision_maker"
    influencer = "influencer"
    champion = "champion"
    end_user = "end_user"


class ContactBody(Body):
    account: UUID
    name: Line
    kind: ContactKind = ContactKind.end_user
    email: str | None = Field(default=None, pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")
    phone: Line | None = None
    title: Line | None = None
    external_id: Line | None = None


class ContactChange(Body):
    """Only the fields that are sent change."""

    name: Line = ""
    kind: ContactKind = ContactKind.end_user
    email: str | None = Field(default=None, pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")
    phone: Line | None = None
    title: Line | None = None
    active: bool = True


class ContactView(View):
    id: UUID
    account: UUID = Field(validation_alias="account_id")
    external_id: str | None
    name: str
    kind: ContactKind
    email: str | None
    phone: str | None
    title: str | None
    active: bool
    created_at: datetime
    updated_at: datetime
