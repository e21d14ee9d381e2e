"""The database's clock: the one that instants of transitions come from (law 3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, func, select

from db.prepared import Prepared
from db.sessions import ReadSession

_NOW = Prepared(select(func.clock_timestamp(type_=DateTime(timezone=True))))


async def database_now(session: ReadSession) -> datetime:
    """This instant, aware, in UTC; later within a transaction is later."""
    [(now,)] = await session.ask(_NOW, {})
    assert isinstance(now, datetime)
    return now
