"""What must work before or across a scope, by definer functions that give out ids and codes.

Every function here takes the connection of `Database.unscoped`.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.prepared import Prepared
from db.scope import Bearer, Scope
from domain.errors import NotFound

Work = Literal["all", "seal", "overdue", "digest", "own"]


async def create_organization(
    unscoped: AsyncConnection,
    org: UUID,
    service_member: UUID,
    name: str,
    *,
    timezone: str = "UTC",
    country: str | None = None,
    demo: bool = False,
) -> Scope:
    """A new organization with its service member, whose scope is returned."""
    await unscoped.execute(
        text("select app.create_organization(:org, :name, :zone, :country, :demo, :service)"),
        {
            "org": org,
            "name": name,
            "zone": timezone,
            "country": country,
            "demo": demo,
            "service": service_member,
        },
    )
    return Scope(org, service_member)


async def find_organization(unscoped: AsyncConnection, wanted: str) -> Scope:
    """By id, or by a name that one organization alone has; as its service member.

    Raises NotFound (`organization_not_found`).
    """
    rows = await unscoped.execute(
        text("select * from app.find_organization(:wanted)"), {"wanted": wanted}
    )
    row = rows.first()
    if row is None:
        raise NotFound(
            "No organization has this id, or it alone this name. Give the organization's id.",
            code="organization_not_found",
        )
    return Scope(row[0], row[1])


async def organizations_with(unscoped: AsyncConnection, work: Work) -> list[Scope]:
    """Organizations that wait for a worker, each as its service member.

    "seal": audit entries to chain; "overdue": a deadline passed a minute ago; "digest" and "own":
    deliveries of that carrier whose time has come; "all": every organization.
    """
    rows = await unscoped.execute(
        text("select * from app.organizations_with(:work)"), {"work": work}
    )
    return [Scope(org, service) for org, service in rows]


async def ensure_user(unscoped: AsyncConnection, new_id: UUID, email: str, name: str) -> UUID:
    """The person with this mail address in whatever case; made with `new_id` where missing."""
    found = await unscoped.scalar(
        text("select app.ensure_user(:id, :email, :name)"),
        {"id": new_id, "email": email, "name": name},
    )
    assert isinstance(found, UUID)
    return found


_RESOLVE = text("select * from app.resolve_token(:digest)")
_RESOLVE_AT_ONCE = Prepared(_RESOLVE)


async def bearer_of(database: Database, sha256: bytes) -> Bearer | None:
    """The same as `resolve_token`, in one message, a transaction by itself."""
    rows = await database.at_once(_RESOLVE_AT_ONCE, {"digest": sha256})
    return _bearer(rows[0]) if rows else None


async def resolve_token(unscoped: AsyncConnection, sha256: bytes) -> Bearer | None:
    """Who bears the token with this hash; None where it is unknown, expired or revoked, or its
    member is not active."""
    row = (await unscoped.execute(_RESOLVE, {"digest": sha256})).first()
    return None if row is None else _bearer(tuple(row))


def _bearer(row: tuple[Any, ...]) -> Bearer:
    return Bearer(row[0], Scope(row[1], row[2]), tuple(row[3]), tuple(row[4]))
