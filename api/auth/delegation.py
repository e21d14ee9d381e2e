"""Acting for a member who is away: only while they are, and only who stands in for them."""

from __future__ import annotations

from uuid import UUID

from api.auth.callers import Caller
from db.models.memberships import Membership
from db.queries.absences import delegating_to
from db.sessions import ReadSession
from domain.errors import Forbidden, Invalid
from domain.playbook.definition import Role


async def acting_for(
    session: ReadSession, caller: Caller, behalf: str
) -> tuple[UUID, tuple[Role, ...]]:
    """The member whom the header `Holdfast-On-Behalf-Of` names, and their roles.

    Raises Invalid `invalid_id`, and Forbidden `not_a_delegate`.
    """
    try:
        member = UUID(behalf)
    except ValueError as error:
        raise Invalid(
            "Holdfast-On-Behalf-Of takes the id of a member.", code="invalid_id"
        ) from error
    if member not in await delegating_to(session, caller.org, caller.member):
        raise Forbidden(
            "You stand in for nobody of this id now. Have them record an absence that names you.",
            code="not_a_delegate",
            details={"member": str(member)},
        )
    membership = await session.get(Membership, member)
    roles = membership.roles if membership is not None else []
    return member, tuple(Role(role) for role in roles)
