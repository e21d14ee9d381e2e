"""Answers kept under event ids (law 2): the same command again gets the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, cast, select

from db.bulk import encoded, insertion, table_of
from db.models.answers import Answer
from db.sessions import ReadSession, WriteSession

K = table_of(Answer).c


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`answer` is JSON text."""

    event_id: str
    request_digest: str
    answer: str


_INSERT = insertion(Answer, ("execution_id", "event_id", "request_digest", "answer"))


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


async def keep(
    session: WriteSession, execution: UUID, event_id: str, request_digest: str, answer: bytes
) -> None:
    """Keeps an answer, as that of a refusal; `answer` is JSON."""
    row = {
        "execution_id": execution,
        "event_id": event_id,
        "request_digest": request_digest,
        "answer": answer,
    }
    await session.run(_INSERT, {"org": session.scope.org, "rows": encoded([row])})
