"""Members: found by their mail address, added, given tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select

from db.models.api_tokens import ApiToken
from db.models.memberships import Membership
from db.models.users import User
from db.sessions import ReadSession, WriteSession
from domain.errors import Conflict, NotFound


async def member_by_email(session: ReadSession, email: str) -> Membership:
    """The member with this mail address, in whatever case. NotFound (`member_not_found`)."""
    found = await session.scalar(
        select(Membership)
        .join(User, User.id == Membership.user_id)
        .where(Membership.org_id == session.scope.org, func.lower(User.email) == email.lower())
    )
    if found is None:
        raise NotFound(
            f"Nobody in this organization has the mail address {email}. "
            "Add the member first: holdfast member add.",
            code="member_not_found",
        )
    return found


async def add_member(
    session: WriteSession,
    member: UUID,
    user: UUID,
    roles: Sequence[str],
    *,
    manager: UUID | None = None,
) -> None:
    """Make a person a member. Conflict (`member_exists`) where they are one."""
    known = await session.scalar(
        select(Membership.id).where(
            Membership.org_id == session.scope.org, Membership.user_id == user
        )
    )
    if known is not None:
        raise Conflict(
            "This person is a member of the organization already.",
            code="member_exists",
            details={"member": str(known)},
        )
    await session.run(
        insert(Membership).values(
            org_id=session.scope.org,
            id=member,
            user_id=user,
            roles=list(roles),
            manager_id=manager,
        )
    )


async def add_token(
    session: WriteSession,
    token: UUID,
    member: UUID,
    *,
    name: str,
    prefix: str,
    sha256: bytes,
    expires_at: datetime | None = None,
) -> None:
    """Let a member be known by a token; only its hash is kept."""
    await session.run(
        insert(ApiToken).values(
            org_id=session.scope.org,
            id=token,
            member_id=member,
            name=name,
            prefix=prefix,
            sha256=sha256,
            expires_at=expires_at,
        )
    )
