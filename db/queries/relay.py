"""Transitions not told yet (law 5). Claims go across organizations and give out ids only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.bulk import table_of
from db.models.relay import RelayRow
from db.scope import Scope
from db.sessions import WriteSession

R = table_of(RelayRow).c

_CLAIM = text("select * from app.claim_relay(:most, :lease, :grace)")


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution to be told; `scope` is its organization's service member's.

    `first` to `last` are the numbers claimed; tell everything from `first` on, then mark it.
    """

    scope: Scope
    execution: UUID
    first: int
    last: int


async def claim(
    unscoped: AsyncConnection,
    most: int = 100,
    lease: timedelta = timedelta(seconds=30),
    grace: timedelta = timedelta(seconds=1),
) -> list[Claim]:
    """Takes at most `most` rows, for as long as `lease`, people's before bulk ones.

    Rows of people younger than `grace` are left to the process that committed them. No execution
    is in two claims at once.
    """
    rows = await unscoped.execute(_CLAIM, {"most": most, "lease": lease, "grace": grace})
    return [
        Claim(Scope(org, service), execution, first, last)
        for org, service, execution, first, last in rows
    ]


async def mark_told(session: WriteSession, execution: UUID, numbers: Sequence[int]) -> None:
    """Forgets rows that were confirmed."""
    await session.run(
        delete(table_of(RelayRow)).where(
            R.org_id == session.scope.org,
            R.execution_id == execution,
            R.number.in_(numbers),
        )
    )


async def give_back(session: WriteSession, execution: UUID) -> None:
    """Ends a claim whose telling failed, so that the next claim may take it at once."""
    await session.run(
        update(table_of(RelayRow))
        .where(R.org_id == session.scope.org, R.execution_id == execution)
        .values(lease_until=None)
    )
