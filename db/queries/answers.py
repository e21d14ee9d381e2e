"""Answers kept under event ids (law 2): the same command again gets the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, cast, select

from db.bulk import table_of
from db.models.answers import Answer
from db.sessions import ReadSession

K = table_of(Answer).c


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`answer` is JSON text."""

    event_id: str
    request_digest: str
    answer: str


async def find(session: ReadSession, execution: UUID, event_id: str) -> KeptAnswer | None:
    """What was answered under this event id. Ask after the row lock was given."""
    rows = await session.execute(
        select(K.event_id, K.request_digest, cast(K.answer, Text)).where(
            K.org_id == session.scope.org,
            K.execution_id == execution,
            K.event_id == event_id,
        )
    )
    row = rows.first()
    return KeptAnswer(*row) if row else None
