"""Accounts: list with search, add, read, change, team, activity."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.accounts.schemas import (
    AccountBody,
    AccountChange,
    AccountView,
    ActivityView,
    Place,
    PlaceAnswer,
    PlaceBody,
    PlaceResult,
)
from api.accounts.teams import give_role
from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.intake import learn_fields
from db.models.accounts import Account
from db.queries import account_team, accounts, timeline
from db.queries.accounts import AccountFilter
from db.sessions import ReadSession
from domain.playbook.definition import Role, Value

router = router_of("accounts", "/accounts")

Search = Annotated[str | None, Query(min_length=1, max_length=100)]


@router.get("")
@needs(Permission.read)
async def list_accounts(
    work: Read,
    search: Search = None,
    stage: str | None = None,
    tier: str | None = None,
    member: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AccountView]:
    """Accounts by name; `search` looks into names and own ids, `member` into teams."""
    after = decode(cursor, str, UUID)
    wanted = AccountFilter(search, stage, tier, member)
    rows = await accounts.list_accounts(work.session, work.org, wanted, after, limit + 1)
    shown = page(rows, limit, AccountView.model_validate, lambda row: (row.name, row.id))
    places = await account_team.team_of(work.session, work.org, [one.id for one in shown.items])
    for view in shown.items:
        view.team = [Place.model_validate(one) for one in places if one.account_id == view.id]
    return shown


@router.post("", status_code=201)
@needs(Permission.write_accounts)
async def add_account(work: Write, body: AccountBody) -> AccountView:
    account = await accounts.add_account(work.session, work.org, work.id_of(), body.model_dump())
    await learn_fields(work.session, account.id, _fields(account), work.actor, clock=work.clock)
    await work.record("account.added", "account", account.id)
    return await _view(work.session, account)


@router.get("/{account}")
@needs(Permission.read)
async def get_account(work: Read, account: UUID) -> AccountView:
    return await _view(work.session, await accounts.get_account(work.session, work.org, account))


@router.patch("/{account}")
@needs(Permission.write_accounts)
async def change_account(work: Write, account: UUID, body: AccountChange) -> AccountView:
    """Changes what is sent; open executions hear of what concerns them."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    await accounts.require_account(work.session, work.org, account)
    changed = await accounts.change_account(work.session, work.org, account, changes, body.version)
    learned = await learn_fields(
        work.session, account, _fields(changed), work.actor, clock=work.clock
    )
    work.heard(*learned.applied)
    await work.record("account.changed", "account", account, {"fields": sorted(changes)})
    return await _view(work.session, changed)


@router.get("/{account}/team")
@needs(Permission.read)
async def get_team(work: Read, account: UUID) -> list[Place]:
    await accounts.require_account(work.session, work.org, account)
    places = await account_team.team_of(work.session, work.org, [account])
    return [Place.model_validate(place) for place in places]


@router.put("/{account}/team/{role}")
@needs(Permission.change_teams)
async def put_place(work: Write, account: UUID, role: Role, body: PlaceBody) -> PlaceAnswer:
    """Gives a role on the account to a member, by a hand-over where somebody holds it."""
    result, hand_over = await give_role(work, account, role, body)
    if result is not PlaceResult.unchanged:
        await work.record(
            "team.changed", "account", account, {"role": role.value, "member": str(body.member)}
        )
    places = await account_team.team_of(work.session, work.org, [account])
    team = [Place.model_validate(place) for place in places]
    return PlaceAnswer(result=result, team=team, hand_over=hand_over)


@router.get("/{account}/timeline")
@needs(Permission.read)
async def get_activity(
    work: Read, account: UUID, cursor: Cursor = None, limit: Limit = 50
) -> Page[ActivityView]:
    """Touches, notes and transitions around the account, the last first."""
    await accounts.require_account(work.session, work.org, account)
    after = decode(cursor, datetime.fromisoformat, str)
    rows = await timeline.list_activity(work.session, account, after, limit + 1)
    return page(rows, limit, ActivityView.model_validate, lambda row: (row.at, row.id))


async def _view(session: ReadSession, account: Account) -> AccountView:
    view = AccountView.model_validate(account)
    places = await account_team.team_of(session, account.org_id, [account.id])
    view.team = [Place.model_validate(place) for place in places]
    return view


def _fields(account: Account) -> dict[str, Value]:
    """The fields that playbooks read, as far as they stand in the account's own columns."""
    renewal, since = account.renewal_date, account.customer_since
    return {
        "account.stage": account.stage,
        "account.tier": account.tier,
        "account.plan": account.plan,
        "account.seats": account.seats,
        "account.arr": None if account.arr_cents is None else account.arr_cents / 100,
        "account.renewal_date": renewal.isoformat() if renewal else None,
        "account.customer_since": since.isoformat() if since else None,
    }
