"""Subscriptions of accounts. Money in cents of the row's currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from db.models.subscriptions import Subscription
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


async def list_subscriptions(
    session: ReadSession,
    org: UUID,
    account: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Subscription]:
    """Subscriptions by id, at most `limit`, following the id `after`."""
    query = select(Subscription).where(Subscription.org_id == org)
    if account is not None:
        query = query.where(Subscription.account_id == account)
    if after is not None:
        query = query.where(Subscription.id > after)
    return (await session.scalars(query.order_by(Subscription.id).limit(limit))).all()


async def get_subscription(session: ReadSession, org: UUID, subscription: UUID) -> Subscription:
    """Raises NotFound `subscription_not_found`."""
    found = await session.scalar(
        select(Subscription)
        .where(Subscription.org_id == org, Subscription.id == subscription)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(
            "There is no such subscription in this organization.",
            code="subscription_not_found",
            details={"subscription": str(subscription)},
        )
    return found


async def add_subscription(
    session: WriteSession, org: UUID, subscription: UUID, values: Mapping[str, Any]
) -> Subscription:
    """A new subscription. The account must be the organization's."""
    made = Subscription(org_id=org, id=subscription, **values)
    session.add(made)
    await session.flush()
    return await get_subscription(session, org, subscription)


async def change_subscription(
    session: WriteSession, org: UUID, subscription: UUID, changes: Mapping[str, Any]
) -> Subscription:
    """Raises NotFound `subscription_not_found`."""
    await session.run(
        update(Subscription)
        .where(Subscription.org_id == org, Subscription.id == subscription)
        .values(**changes, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return await get_subscription(session, org, subscription)
