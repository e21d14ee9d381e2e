"""Accounts: found, read, changed. Money in cents of the account's currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, bindparam, func, or_, select, tuple_, update

from db.models.account_team import AccountTeamPlace
from db.models.accounts import Account
from db.prepared import Prepared
from db.sessions import ReadSession, WriteSession
from domain.errors import Conflict, NotFound

_KNOWN = Prepared(
    select(Account.id).where(
        Account.org_id == bindparam("org", type_=Uuid()),
        Account.id == bindparam("account", type_=Uuid()),
    )
)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """What a list is narrowed to; None means anything."""

    search: str | None = None
    stage: str | None = None
    tier: str | None = None
    member: UUID | None = None


def no_account(account: UUID) -> NotFound:
    return NotFound(
        "There is no such account in this organization.",
        code="account_not_found",
        details={"account": str(account)},
    )


async def list_accounts(
    session: ReadSession,
    org: UUID,
    wanted: AccountFilter,
    after: tuple[str, UUID] | None,
    limit: int,
) -> Sequence[Account]:
    """Accounts by name, at most `limit`, following the (name, id) `after`."""
    conditions: list[ColumnElement[bool]] = [Account.org_id == org]
    if wanted.search:
        pattern = "%" + _escaped(wanted.search) + "%"
        conditions.append(
            or_(
                Account.name.ilike(pattern, escape="\\"),
                Account.external_id.ilike(pattern, escape="\\"),
            )
        )
    if wanted.stage:
        conditions.append(Account.stage == wanted.stage)
    if wanted.tier:
        conditions.append(Account.tier == wanted.tier)
    if wanted.member:
        conditions.append(
            select(AccountTeamPlace.account_id)
            .where(
                AccountTeamPlace.org_id == org,
                AccountTeamPlace.account_id == Account.id,
                AccountTeamPlace.member_id == wanted.member,
            )
            .exists()
        )
    if after is not None:
        conditions.append(tuple_(Account.name, Account.id) > after)
    found = await session.scalars(
        select(Account).where(and_(*conditions)).order_by(Account.name, Account.id).limit(limit)
    )
    return found.all()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def get_account(session: ReadSession, org: UUID, account: UUID) -> Account:
    """Raises NotFound `account_not_found`."""
    found = await session.scalar(
        select(Account)
        .where(Account.org_id == org, Account.id == account)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise no_account(account)
    return found


async def require_account(session: ReadSession, org: UUID, account: UUID) -> None:
    """Raises NotFound `account_not_found` where the organization has no such account."""
    if not await session.ask(_KNOWN, {"org": org, "account": account}):
        raise no_account(account)


async def names_of_accounts(
    session: ReadSession, org: UUID, accounts: Sequence[UUID]
) -> dict[UUID, str]:
    """Names by id; ids that the organization does not have are left out."""
    if not accounts:
        return {}
    rows = await session.execute(
        select(Account.id, Account.name).where(Account.org_id == org, Account.id.in_(accounts))
    )
    return {row.id: row.name for row in rows}


async def change_account(
    session: WriteSession,
    org: UUID,
    account: UUID,
    changes: Mapping[str, object],
    version: int | None,
) -> Account:
    """Changes columns of one account and counts its version up.

    Raises NotFound `account_not_found`, and Conflict `changed_meanwhile` where `version` is given
    and is no longer the account's.
    """
    found = await session.scalar(
        select(Account)
        .where(Account.org_id == org, Account.id == account)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise no_account(account)
    if version is not None and found.version != version:
        raise Conflict(
            "Somebody changed this account meanwhile. Read it again, then change it.",
            code="changed_meanwhile",
            details={"version": found.version},
        )
    await session.run(
        update(Account)
        .where(Account.org_id == org, Account.id == account)
        .values(**changes, version=Account.version + 1, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return await get_account(session, org, account)


async def add_account(
    session: WriteSession, org: UUID, account: UUID, values: Mapping[str, Any]
) -> Account:
    """A new account."""
    session.add(Account(org_id=org, id=account, **values))
    await session.flush()
    return await get_account(session, org, account)
