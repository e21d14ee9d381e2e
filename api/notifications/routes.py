"""The caller's own notices: list, mark as read."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.notifications.schemas import NotificationView, ReadAnswer, ReadBody
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.queries import notifications

router = router_of("notifications", "/notifications")


@router.get("")
@needs(Permission.read)
async def list_notifications(
    work: Read, unread: bool = False, cursor: Cursor = None, limit: Limit = 50
) -> Page[NotificationView]:
    """Own notices, the newest first."""
    after = decode(cursor, UUID)
    rows = await notifications.list_notifications(
        work.session, work.caller.member, after[0] if after else None, limit + 1, unread
    )
    return page(rows, limit, NotificationView.model_validate, lambda row: (row.id,))


@router.post("/read")
@needs(Permission.read)
async def mark_read(work: Write, body: ReadBody) -> ReadAnswer:
    """Marks own notices as read; others' are left alone."""
    read = await notifications.mark_read(work.session, work.caller.member, body.ids)
    return ReadAnswer(read=read)
