"""Notes on accounts and contacts; their text is words in rows of their own (law 16)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from db.models.notes import Note
from db.models.words import Words
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class NoteWithText:
    note: Note
    text: str


async def list_notes(
    session: ReadSession, org: UUID, account: UUID | None, after: UUID | None, limit: int
) -> list[NoteWithText]:
    """Notes, newest first, at most `limit`, following the id `after`."""
    conditions: list[ColumnElement[bool]] = [Note.org_id == org]
    if account is not None:
        conditions.append(Note.account_id == account)
    if after is not None:
        conditions.append(Note.id < after)
    rows = await session.execute(
        select(Note, Words.body)
        .join(Words, (Words.org_id == Note.org_id) & (Words.id == Note.words_id))
        .where(*conditions)
        .order_by(Note.id.desc())
        .limit(limit)
    )
    return [NoteWithText(note, text) for note, text in rows]


async def get_note(session: ReadSession, org: UUID, note: UUID) -> NoteWithText:
    """Raises NotFound `note_not_found`."""
    row = (
        await session.execute(
            select(Note, Words.body)
            .join(Words, (Words.org_id == Note.org_id) & (Words.id == Note.words_id))
            .where(Note.org_id == org, Note.id == note)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(
            "There is no such note in this organization.",
            code="note_not_found",
            details={"note": str(note)},
        )
    return NoteWithText(row[0], row[1])


async def add_note(
    session: WriteSession,
    org: UUID,
    note: UUID,
    *,
    account: UUID | None,
    contact: UUID | None,
    author: UUID,
    words: UUID,
) -> NoteWithText:
    """A new note; its words must stand already."""
    session.add(
        Note(
            org_id=org,
            id=note,
            account_id=account,
            contact_id=contact,
            author_id=author,
            words_id=words,
        )
    )
    await session.flush()
    return await get_note(session, org, note)
