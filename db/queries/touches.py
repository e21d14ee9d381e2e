"""Calls, meetings and mails: when they happened, and when they were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from db.models.executions import Execution
from db.models.touches import Touch
from db.models.words import Words
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class TouchWithWords:
    touch: Touch
    words: str | None


async def list_touches(
    session: ReadSession, org: UUID, account: UUID | None, after: UUID | None, limit: int
) -> list[TouchWithWords]:
    """Touches, last recorded first, at most `limit`, following the id `after`."""
    conditions: list[ColumnElement[bool]] = [Touch.org_id == org]
    if account is not None:
        conditions.append(Touch.account_id == account)
    if after is not None:
        conditions.append(Touch.id < after)
    rows = await session.execute(
        select(Touch, Words.body)
        .outerjoin(Words, (Words.org_id == Touch.org_id) & (Words.id == Touch.words_id))
        .where(*conditions)
        .order_by(Touch.id.desc())
        .limit(limit)
    )
    return [TouchWithWords(touch, words) for touch, words in rows]


async def get_touch(session: ReadSession, org: UUID, touch: UUID) -> TouchWithWords:
    """Raises NotFound `touch_not_found`."""
    row = (
        await session.execute(
            select(Touch, Words.body)
            .outerjoin(Words, (Words.org_id == Touch.org_id) & (Words.id == Touch.words_id))
            .where(Touch.org_id == org, Touch.id == touch)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(
            "There is no such touch in this organization.",
            code="touch_not_found",
            details={"touch": str(touch)},
        )
    return TouchWithWords(row[0], row[1])


async def add_touch(
    session: WriteSession, org: UUID, touch: UUID, values: Mapping[str, Any]
) -> TouchWithWords:
    """A new touch; its words, where it has any, must stand already."""
    session.add(Touch(org_id=org, id=touch, **values))
    await session.flush()
    return await get_touch(session, org, touch)


async def open_executions_of(session: ReadSession, org: UUID, account: UUID) -> list[UUID]:
    """Executions of the account that have not ended, in the order in which they are locked."""
    found = await session.scalars(
        select(Execution.id)
        .where(
            Execution.org_id == org,
            Execution.account_id == account,
            Execution.status != "ended",
        )
        .order_by(Execution.id)
    )
    return list(found)
