"""`holdfast org`, `member`, `token`: who works here, set up by whoever runs the installation.

These speak to the database themselves, because before them nobody has a token for the API.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from commands.installation import database_url
from commands.output import AsJson, fails_plainly, show
from db.engine import Database
from db.queries import across, members
from db.queries.audit import NewAuditEntry, insert_many
from db.scope import Scope
from db.sessions import WriteSession
from domain.playbook.definition import Role
from runtime.ids import new_id
from runtime.tokens import new_token

_Answer = TypeVar("_Answer")

org = typer.Typer(no_args_is_help=True, help="Organizations, the tenants.")
member = typer.Typer(no_args_is_help=True, help="Members of an organization.")
token = typer.Typer(no_args_is_help=True, help="Tokens for the API.")

Org = Annotated[str, typer.Option("--org", help="The organization's id, or its name.")]
Email = Annotated[str, typer.Option(help="The person's mail address.")]


@org.command("create")
@fails_plainly
def create_organization(
    name: Annotated[str, typer.Option(help="Its name.")],
    timezone: Annotated[str, typer.Option(help="An IANA time zone.")] = "UTC",
    country: Annotated[str | None, typer.Option(help="ISO 3166-1, for public holidays.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create an organization."""

    async def create(database: Database) -> UUID:
        async with database.unscoped() as unscoped:
            scope = await across.create_organization(
                unscoped, new_id(), new_id(), name, timezone=timezone, country=country
            )
        async with database.transaction(scope) as session:
            await _record(session, "organization.create", "organization", scope.org)
        return scope.org

    made = _with_database(create)
    show({"organization": str(made), "name": name}, f"Created {name}: {made}", as_json=as_json)


@member.command("add")
@fails_plainly
def add_member(
    organization: Org,
    email: Email,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[list[Role], typer.Option(help="Repeat it for several roles.")],
    manager: Annotated[str | None, typer.Option(help="The manager's mail address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a person a member of an organization."""
    roles = [str(one) for one in role]

    async def add(database: Database) -> UUID:
        scope = await _scope(database, organization)
        async with database.unscoped() as unscoped:
            user = await across.ensure_user(unscoped, new_id(), email, name)
        async with database.transaction(scope) as session:
            above = (await members.member_by_email(session, manager)).id if manager else None
            added = new_id()
            await members.add_member(session, added, user, roles, manager=above)
            await _record(session, "member.add", "member", added, {"roles": roles})
        return added

    added = _with_database(add)
    show({"member": str(added), "email": email}, f"Added {email}: {added}", as_json=as_json)


@token.command("issue")
@fails_plainly
def issue_token(
    organization: Org,
    email: Email,
    name: Annotated[str, typer.Option(help="What it is for, shown in lists.")] = "command line",
    days: Annotated[int | None, typer.Option(help="Days until it expires.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Issue an API token for a member; it is shown this once."""
    fresh = new_token()
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None

    async def issue(database: Database) -> UUID:
        scope = await _scope(database, organization)
        issued = new_id()
        async with database.transaction(scope) as session:
            bearer = await members.member_by_email(session, email)
            await members.add_token(
                session,
                issued,
                bearer.id,
                name=name,
                prefix=fresh.prefix,
                sha256=fresh.sha256,
                expires_at=expires_at,
            )
            await _record(session, "token.issue", "token", issued, {"member": str(bearer.id)})
        return issued

    issued = _with_database(issue)
    result = {"token": fresh.text, "id": str(issued), "expires_at": expires_at}
    show(result, fresh.text, as_json=as_json)


async def _scope(database: Database, wanted: str) -> Scope:
    async with database.unscoped() as unscoped:
        return await across.find_organization(unscoped, wanted)


async def _record(
    session: WriteSession, action: str, kind: str, about: UUID, data: dict[str, Any] | None = None
) -> None:
    """The audit entry of a change made from the command line, in the change's transaction."""
    entry = NewAuditEntry(
        id=new_id(),
        at=datetime.now(UTC),
        action=action,
        object_kind=kind,
        object_id=str(about),
        reason_code="command_line",
        data=data,
    )
    await insert_many(session, [entry])


def _with_database(work: Callable[[Database], Awaitable[_Answer]]) -> _Answer:
    async def run() -> _Answer:
        database = Database(database_url(os.environ), pool_size=1)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
