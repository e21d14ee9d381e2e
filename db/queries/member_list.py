"""Members with their names, as people look them up."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_

from db.models.memberships import Membership
from db.models.users import User
from db.sessions import ReadSession


@dataclass(frozen=True, slots=True)
class NamedMember:
    """A person's membership; the service member is left out."""

    id: UUID
    name: str
    email: str
    roles: list[str]
    manager: UUID | None
    active: bool


async def list_members(
    session: ReadSession, role: str | None, after: tuple[str, UUID] | None, limit: int
) -> list[NamedMember]:
    """Members by name, at most `limit`, following the (name, id) `after`."""
    query = (
        select(
            Membership.id,
            User.name,
            User.email,
            Membership.roles,
            Membership.manager_id,
            Membership.active,
        )
        .join(User, User.id == Membership.user_id)
        .where(Membership.org_id == session.scope.org)
    )
    if role is not None:
        query = query.where(literal(role) == func.any(Membership.roles))
    if after is not None:
        query = query.where(tuple_(User.name, Membership.id) > after)
    query = query.order_by(User.name, Membership.id).limit(limit)
    return [NamedMember(*row) for row in await session.execute(query)]
