"""How far Temporal's store had come when this record last looked; for `Database.unscoped`."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def known(unscoped: AsyncConnection, namespace: str) -> int:
    """The greatest pulse that the namespace has shown; 0 where it has shown none."""
    found = await unscoped.scalar(text("select app.pulse_of(:name)"), {"name": namespace})
    return int(found or 0)


async def remember(unscoped: AsyncConnection, namespace: str, pulse: int) -> None:
    """Keeps a pulse that the store has confirmed; an older one changes nothing."""
    await unscoped.execute(
        text("select app.remember_pulse(:name, :pulse)"), {"name": namespace, "pulse": pulse}
    )
