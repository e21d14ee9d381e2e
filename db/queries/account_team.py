"""Who holds which role on an account."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.models.account_team import AccountTeamPlace
from db.sessions import ReadSession, WriteSession


async def team_of(
    session: ReadSession, org: UUID, accounts: Sequence[UUID]
) -> Sequence[AccountTeamPlace]:
    """The places of these accounts, by account and role."""
    if not accounts:
        return []
    found = await session.scalars(
        select(AccountTeamPlace)
        .where(AccountTeamPlace.org_id == org, AccountTeamPlace.account_id.in_(accounts))
        .order_by(AccountTeamPlace.account_id, AccountTeamPlace.role)
    )
    return found.all()


async def holder_of(session: ReadSession, org: UUID, account: UUID, role: str) -> UUID | None:
    """The member who holds the role on the account; None where nobody does."""
    return await session.scalar(
        select(AccountTeamPlace.member_id).where(
            AccountTeamPlace.org_id == org,
            AccountTeamPlace.account_id == account,
            AccountTeamPlace.role == role,
        )
    )


async def put_place(
    session: WriteSession, org: UUID, account: UUID, role: str, member: UUID
) -> None:
    """Gives the role on the account to the member, whoever held it."""
    placed = insert(AccountTeamPlace).values(
        org_id=org, account_id=account, role=role, member_id=member
    )
    await session.run(
        placed.on_conflict_do_update(
            index_elements=["org_id", "account_id", "role"],
            set_={"member_id": member, "since": func.now()},
            where=AccountTeamPlace.member_id != member,
        )
    )
