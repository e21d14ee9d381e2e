"""Words and evidence: rows of their own, which everything else names by id (law 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from db.bulk import encoded, insertion, table_of
from db.models.evidence import Evidence
from db.models.words import Words
from db.prepared import Prepared
from db.sessions import ReadSession, WriteSession

W = table_of(Words).c


@dataclass(frozen=True, slots=True)
class WordsRow:
    """`purpose`: reason, note, task, touch, comment or amendment."""

    id: UUID
    purpose: str
    body: str
    author_id: UUID | None
    account_id: UUID | None = None
    contact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One value of evidence; `type` is an EvidenceType."""

    id: UUID
    execution_id: UUID
    step: str
    occurrence: int
    field: str
    type: str
    value: str
    author_id: UUID | None
    account_id: UUID | None = None
    contact_id: UUID | None = None


_INSERT_WORDS = Prepared(insertion(Words, tuple(WordsRow.__dataclass_fields__)))
_INSERT_EVIDENCE = Prepared(insertion(Evidence, tuple(EvidenceRow.__dataclass_fields__)))


async def insert(session: WriteSession, rows: Sequence[WordsRow]) -> None:
    """Keeps texts that people wrote."""
    if rows:
        await session.ask(_INSERT_WORDS, {"org": session.scope.org, "rows": encoded(rows)})


async def add_words(
    session: WriteSession,
    words: UUID,
    purpose: str,
    body: str,
    *,
    author: UUID | None,
    account: UUID | None = None,
    contact: UUID | None = None,
) -> UUID:
    """Keeps one text; its id."""
    await insert(session, [WordsRow(words, purpose, body, author, account, contact)])
    return words


async def insert_evidence(session: WriteSession, rows: Sequence[EvidenceRow]) -> None:
    """Keeps evidence whose values are words, links, files or people."""
    if rows:
        await session.ask(_INSERT_EVIDENCE, {"org": session.scope.org, "rows": encoded(rows)})


async def read_many(session: ReadSession, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The texts behind ids; erased and unknown ones are left out."""
    if not ids:
        return {}
    rows = await session.execute(
        select(W.id, W.body).where(W.org_id == session.scope.org, W.id.in_(ids))
    )
    return {identity: body for identity, body in rows}


async def evidence_of(session: ReadSession, execution: UUID) -> Sequence[Evidence]:
    """Everything given as evidence in an execution, in the order in which it was given."""
    found = await session.scalars(
        select(Evidence)
        .where(Evidence.org_id == session.scope.org, Evidence.execution_id == execution)
        .order_by(Evidence.created_at, Evidence.id)
    )
    return found.all()
