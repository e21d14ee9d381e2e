"""Deals of accounts. Money in cents of the row's currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from db.models.deals import Deal
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


async def list_deals(
    session: ReadSession,
    org: UUID,
    account: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Deal]:
    """Deals by id, at most `limit`, following the id `after`."""
    query = select(Deal).where(Deal.org_id == org)
    if account is not None:
        query = query.where(Deal.account_id == account)
    if after is not None:
        query = query.where(Deal.id > after)
    return (await session.scalars(query.order_by(Deal.id).limit(limit))).all()


async def get_deal(session: ReadSession, org: UUID, deal: UUID) -> Deal:
    """Raises NotFound `deal_not_found`."""
    found = await session.scalar(
        select(Deal)
        .where(Deal.org_id == org, Deal.id == deal)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(
            "There is no such deal in this organization.",
            code="deal_not_found",
            details={"deal": str(deal)},
        )
    return found


async def add_deal(session: WriteSession, org: UUID, deal: UUID, values: Mapping[str, Any]) -> Deal:
    """A new deal. The account must be the organization's."""
    made = Deal(org_id=org, id=deal, **values)
    session.add(made)
    await session.flush()
    return await get_deal(session, org, deal)


async def change_deal(
    session: WriteSession, org: UUID, deal: UUID, changes: Mapping[str, Any]
) -> Deal:
    """Raises NotFound `deal_not_found`."""
    await session.run(
        update(Deal)
        .where(Deal.org_id == org, Deal.id == deal)
        .values(**changes, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return await get_deal(session, org, deal)
