"""Ladder levels that fired: listed, acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from db.models.escalations import Escalation
from db.sessions import ReadSession, WriteSession


async def acknowledge(
    session: WriteSession,
    execution: UUID,
    step: str,
    occurrence: int,
    member: UUID,
    at: datetime,
) -> None:
    """Marks the levels of a step that fired so far as seen."""
    await session.run(
        update(Escalation)
        .where(
            Escalation.org_id == session.scope.org,
            Escalation.execution_id == execution,
            Escalation.step == step,
            Escalation.occurrence == occurrence,
            Escalation.acknowledged_at.is_(None),
        )
        .values(acknowledged_by=member, acknowledged_at=at)
        .execution_options(synchronize_session=False)
    )


async def of_execution(session: ReadSession, execution: UUID) -> Sequence[Escalation]:
    """Every level that fired in an execution, in order."""
    found = await session.scalars(
        select(Escalation)
        .where(Escalation.org_id == session.scope.org, Escalation.execution_id == execution)
        .order_by(Escalation.number, Escalation.step, Escalation.occurrence, Escalation.level)
    )
    return found.all()
