"""Subscriptions of accounts: list, add, read, change."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from api.subscriptions.schemas import SubscriptionBody, SubscriptionChange, SubscriptionView
from db.queries import accounts, subscriptions

router = router_of("subscriptions", "/subscriptions")


@router.get("")
@needs(Permission.read)
async def list_subscriptions(
    work: Read, account: UUID | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[SubscriptionView]:
    """Subscriptions, the oldest first, of one account or of all."""
    after = decode(cursor, UUID)
    rows = await subscriptions.list_subscriptions(
        work.session, work.org, account, after[0] if after else None, limit + 1
    )
    return page(rows, limit, SubscriptionView.model_validate, lambda row: (row.id,))


@router.post("", status_code=201)
@needs(Permission.write_deals)
async def add_subscription(work: Write, body: SubscriptionBody) -> SubscriptionView:
    await accounts.require_account(work.session, work.org, body.account)
    added = await subscriptions.add_subscription(
        work.session, work.org, work.id_of(), body.columns()
    )
    await work.record(
        "subscription.added", "subscription", added.id, {"account": str(body.account)}
    )
    return SubscriptionView.model_validate(added)


@router.get("/{subscription}")
@needs(Permission.read)
async def get_subscription(work: Read, subscription: UUID) -> SubscriptionView:
    return SubscriptionView.model_validate(
        await subscriptions.get_subscription(work.session, work.org, subscription)
    )


@router.patch("/{subscription}")
@needs(Permission.write_deals)
async def change_subscription(
    work: Write, subscription: UUID, body: SubscriptionChange
) -> SubscriptionView:
    changes = body.columns()
    changed = await subscriptions.change_subscription(work.session, work.org, subscription, changes)
    await work.record(
        "subscription.changed", "subscription", subscription, {"fields": sorted(changes)}
    )
    return SubscriptionView.model_validate(changed)
