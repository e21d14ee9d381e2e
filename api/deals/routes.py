"""Deals of accounts: list, add, read, change."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.deals.schemas import DealBody, DealChange, DealView
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.queries import accounts, deals

router = router_of("deals", "/deals")


@router.get("")
@needs(Permission.read)
async def list_deals(
    work: Read, account: UUID | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[DealView]:
    """Deals, the oldest first, of one account or of all."""
    after = decode(cursor, UUID)
    rows = await deals.list_deals(
        work.session, work.org, account, after[0] if after else None, limit + 1
    )
    return page(rows, limit, DealView.model_validate, lambda row: (row.id,))


@router.post("", status_code=201)
@needs(Permission.write_deals)
async def add_deal(work: Write, body: DealBody) -> DealView:
    await accounts.require_account(work.session, work.org, body.account)
    added = await deals.add_deal(work.session, work.org, work.id_of(), body.columns())
    await work.record("deal.added", "deal", added.id, {"account": str(body.account)})
    return DealView.model_validate(added)


@router.get("/{deal}")
@needs(Permission.read)
async def get_deal(work: Read, deal: UUID) -> DealView:
    return DealView.model_validate(await deals.get_deal(work.session, work.org, deal))


@router.patch("/{deal}")
@needs(Permission.write_deals)
async def change_deal(work: Write, deal: UUID, body: DealChange) -> DealView:
    changes = body.columns()
    changed = await deals.change_deal(work.session, work.org, deal, changes)
    await work.record("deal.changed", "deal", deal, {"fields": sorted(changes)})
    return DealView.model_validate(changed)
