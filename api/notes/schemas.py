"""Notes as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import model_validator

from api.shapes import Body, Prose, View
from db.queries.notes import NoteWithText


class NoteBody(Body):
    """About an account, a contact, or both."""

    text: Prose
    account: UUID | None = None
    contact: UUID | None = None

    @model_validator(mode="after")
    def _about_something(self) -> NoteBody:
        if self.account is None and self.contact is None:
            raise ValueError("name the account or the contact that the note is about")
        return self


class NoteView(View):
    id: UUID
    text: str
    account: UUID | None
    contact: UUID | None
    author: UUID
    created_at: datetime


def view(found: NoteWithText) -> NoteView:
    """The answer for one note."""
    note = found.note
    return NoteView(
        id=note.id,
        text=found.text,
        account=note.account_id,
        contact=note.contact_id,
        author=note.author_id,
        created_at=note.created_at,
    )
