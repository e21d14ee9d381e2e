"""Which engine revision is active (law 6)."""

from __future__ import annotations

from sqlalchemy import func, select

from db.models.engine_revisions import EngineRevision
from db.sessions import ReadSession


async def active(session: ReadSession) -> int:
    """The newest activated revision; a process that knows only lower ones makes no transitions."""
    return await session.scalar(select(func.max(EngineRevision.revision))) or 1
