"""In-app notices of a member, as written by transitions."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update

from db.models.notifications import Notification
from db.sessions import ReadSession, WriteSession


async def list_notifications(
    session: ReadSession,
    member: UUID,
    after: UUID | None,
    limit: int,
    unread_only: bool = False,
) -> Sequence[Notification]:
    """Notices of a member, newest first, at most `limit`, following the id `after`."""
    query = select(Notification).where(
        Notification.org_id == session.scope.org, Notification.member_id == member
    )
    if unread_only:
        query = query.where(Notification.read_at.is_(None))
    if after is not None:
        query = query.where(Notification.id < after)
    return (await session.scalars(query.order_by(Notification.id.desc()).limit(limit))).all()


async def mark_read(session: WriteSession, member: UUID, notices: Sequence[UUID]) -> int:
    """Marks a member's own notices as read; how many were unread."""
    made = await session.run(
        update(Notification)
        .where(
            Notification.org_id == session.scope.org,
            Notification.member_id == member,
            Notification.id.in_(notices),
            Notification.read_at.is_(None),
        )
        .values(read_at=func.now())
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    )
    return len(made.all())
