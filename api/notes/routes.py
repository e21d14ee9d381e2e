"""Notes: list, add, read. A note is never changed; a new one says what has changed."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.notes.schemas import NoteBody, NoteView, view
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.queries import notes

router = router_of("notes", "/notes")


@router.get("")
@needs(Permission.read)
async def list_notes(
    work: Read, account: UUID | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[NoteView]:
    """Notes, the newest first, of one account or of all."""
    after = decode(cursor, UUID)
    rows = await notes.list_notes(
        work.session, work.org, account, after[0] if after else None, limit + 1
    )
    return page(rows, limit, view, lambda row: (row.note.id,))


@router.post("", status_code=201)
@needs(Permission.write_records)
async def add_note(work: Write, body: NoteBody) -> NoteView:
    words = await work.write_words("note", body.text, body.account, body.contact)
    note = await notes.add_note(
        work.session,
        work.org,
        work.id_of(),
        account=body.account,
        contact=body.contact,
        author=work.caller.member,
        words=words,
    )
    await work.record("note.added", "note", note.note.id)
    return view(note)


@router.get("/{note}")
@needs(Permission.read)
async def get_note(work: Read, note: UUID) -> NoteView:
    return view(await notes.get_note(work.session, work.org, note))
