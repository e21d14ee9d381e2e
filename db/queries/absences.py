"""Who is away and who stands in. An absence counts from `starts_at` until before `ends_at`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from db.models.absences import Absence
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


async def list_absences(
    session: ReadSession, org: UUID, member: UUID | None, after: UUID | None, limit: int
) -> Sequence[Absence]:
    """Absences, newest first, at most `limit`, following the id `after`."""
    query = select(Absence).where(Absence.org_id == org)
    if member is not None:
        query = query.where(Absence.member_id == member)
    if after is not None:
        query = query.where(Absence.id < after)
    return (await session.scalars(query.order_by(Absence.id.desc()).limit(limit))).all()


async def get_absence(session: ReadSession, org: UUID, absence: UUID) -> Absence:
    """Raises NotFound `absence_not_found`."""
    found = await session.scalar(
        select(Absence)
        .where(Absence.org_id == org, Absence.id == absence)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(
            "There is no such absence in this organization.",
            code="absence_not_found",
            details={"absence": str(absence)},
        )
    return found


async def overlapping(
    session: ReadSession, org: UUID, member: UUID, starts_at: datetime, ends_at: datetime
) -> UUID | None:
    """The member's absence that shares an instant with these; None where there is none."""
    return await session.scalar(
        select(Absence.id)
        .where(
            Absence.org_id == org,
            Absence.member_id == member,
            Absence.cancelled_at.is_(None),
            Absence.starts_at < ends_at,
            Absence.ends_at > starts_at,
        )
        .limit(1)
    )


async def add_absence(
    session: WriteSession,
    org: UUID,
    absence: UUID,
    *,
    member: UUID,
    delegate: UUID,
    starts_at: datetime,
    ends_at: datetime,
) -> Absence:
    session.add(
        Absence(
            org_id=org,
            id=absence,
            member_id=member,
            delegate_id=delegate,
            starts_at=starts_at,
            ends_at=ends_at,
        )
    )
    await session.flush()
    return await get_absence(session, org, absence)


async def cancel_absence(session: WriteSession, org: UUID, absence: UUID) -> Absence:
    """Cancels it now; a second time changes nothing. Raises NotFound `absence_not_found`."""
    await session.run(
        update(Absence)
        .where(Absence.org_id == org, Absence.id == absence, Absence.cancelled_at.is_(None))
        .values(cancelled_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return await get_absence(session, org, absence)


async def delegating_to(session: ReadSession, org: UUID, delegate: UUID) -> list[UUID]:
    """Members who are away now and for whom `delegate` stands in."""
    found = await session.scalars(
        select(Absence.member_id)
        .where(
            Absence.org_id == org,
            Absence.delegate_id == delegate,
            Absence.cancelled_at.is_(None),
            Absence.starts_at <= func.now(),
            Absence.ends_at > func.now(),
        )
        .distinct()
    )
    return list(found)
