"""Touches as they are sent and answered: when they happened beside when they were recorded."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.shapes import Body, Code, Instant, Line, Prose, View
from db.queries.touches import TouchWithWords
from domain.playbook.definition import Value


class TouchKind(StrEnum):
    meeting = "meeting"
    call = "call"
    mail = "mail"


class TouchBody(Body):
    """Without `occurred_at` it happened now. `answers` fill in the step that waits for it."""

    account: UUID
    kind: TouchKind
    occurred_at: Instant | None = None
    contact: UUID | None = None
    two_way: bool = True
    words: Prose | None = None
    answers: Annotated[dict[Code, Value], Field(max_length=20)] = Field(default_factory=dict)
    external_id: Line | None = None


class Reached(View):
    """An execution that heard of it, and the number of its transition."""

    execution: UUID
    number: int


class TouchView(View):
    id: UUID
    account: UUID
    contact: UUID | None
    member: UUID | None
    kind: TouchKind
    two_way: bool
    words: str | None
    external_id: str | None
    occurred_at: datetime
    recorded_at: datetime
    reached: list[Reached] = Field(default_factory=list)


def view(found: TouchWithWords) -> TouchView:
    """The answer for one touch."""
    touch = found.touch
    return TouchView(
        id=touch.id,
        account=touch.account_id,
        contact=touch.contact_id,
        member=touch.member_id,
        kind=TouchKind(touch.kind),
        two_way=touch.two_way,
        words=found.words,
        external_id=touch.external_id,
        occurred_at=touch.occurred_at,
        recorded_at=touch.recorded_at,
    )
