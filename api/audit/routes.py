"""The audit trail: list with filters, verify the chain. Nothing here changes anything."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.audit.schemas import AuditView, VerifyView
from api.auth.permissions import Permission, needs
from api.guard import Read
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from api.shapes import Instant
from db.queries.audit import AuditFilter, list_entries
from db.sealing import verify as verify_chain

router = router_of("audit", "/audit")


@router.get("")
@needs(Permission.read_audit)
async def list_audit(
    work: Read,
    actor: UUID | None = None,
    action: str | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
    outcome: str | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AuditView]:
    """Entries, the newest first; from `since` until before `until`."""
    after = decode(cursor, datetime.fromisoformat, UUID)
    wanted = AuditFilter(actor, action, object_kind, object_id, outcome, since, until)
    rows = await list_entries(work.session, wanted, after, limit + 1)
    return page(rows, limit, AuditView.model_validate, lambda row: (row.at, row.id))


@router.get("/verify")
@needs(Permission.read_audit)
async def verify(work: Read) -> VerifyView:
    """Hashes every sealed entry again and follows the chain to its head."""
    return VerifyView.model_validate(await verify_chain(work.session))
