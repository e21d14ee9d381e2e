"""What waits for the caller, and commands on several things at once."""

from __future__ import annotations

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.inbox.bulk import run_bulk
from api.inbox.schemas import BulkAnswer, BulkBody, InboxItemView, InboxView
from api.pagination import Cursor, Limit, decode, page
from api.routing import router as router_of
from db.queries.absences import delegating_to
from db.queries.inbox import Group, Viewer, count_inbox, list_inbox

router = router_of("inbox", "/inbox")


@router.get("")
@needs(Permission.read)
async def get_inbox(
    work: Read, group: Group | None = None, cursor: Cursor = None, limit: Limit = 50
) -> InboxView:
    """Own steps, tasks, hand-offs, approvals and waivers, and those of whom one stands in for."""
    after = decode(cursor, int, float, str)
    now = await work.now()
    delegators = await delegating_to(work.session, work.org, work.caller.member)
    viewer = Viewer(work.caller.member, work.caller.roles, tuple(delegators))
    rows = await list_inbox(work.session, work.org, viewer, now, group, after, limit + 1)
    shown = page(rows, limit, InboxItemView.model_validate, lambda row: row.order)
    return InboxView(
        now=now,
        counts=await count_inbox(work.session, work.org, viewer, now),
        standing_in_for=delegators,
        items=shown.items,
        next_cursor=shown.next_cursor,
    )


@router.post("/bulk")
@needs(Permission.work_steps)
async def bulk(work: Write, body: BulkBody) -> BulkAnswer:
    """One command on up to 200 rows; each row is done or refused by itself."""
    return await run_bulk(work, body)
