"""The relay: tells, for each execution and in order, what nobody has confirmed yet (law 5)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from db.engine import Database
from db.queries import lives, relay, transitions
from db.queries.relay import Claim
from workflows.client import Teller

log = logging.getLogger(__name__)

PAUSE = 0.25
"""Seconds between rounds that found nothing."""

GRACE = timedelta(seconds=10)
"""For this long, what people did is left to the process that committed it; longer than its
`TellingLimits.stale`, so that the two do not tell the same."""

LEASE = timedelta(seconds=30)
MOST = 64
AT_ONCE = 16
"""Small rounds, people's rows first in each, so that bulk work never holds people back for long."""


class Relay:
    """One relay; any number may run, because claims skip what another one holds."""

    def __init__(self, database: Database, teller: Teller, *, grace: timedelta = GRACE) -> None:
        self._database = database
        self._teller = teller
        self._grace = grace

    async def round(self) -> bool:
        """Claim and tell once; True where there was a full round, so that more may wait.

        Raises what Temporal or PostgreSQL raised, after the claims were given back.
        """
        async with self._database.unscoped() as connection:
            claims = await relay.claim(connection, MOST, LEASE, self._grace)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(claim: Claim) -> Exception | None:
            async with gate:
                return await self._tell(claim)

        failed = [error for error in await asyncio.gather(*(one(c) for c in claims)) if error]
        if failed:
            raise failed[0]
        return sum(claim.last - claim.first + 1 for claim in claims) >= MOST

    async def _tell(self, claim: Claim) -> Exception | None:
        """One signal for all of an execution's transitions from the first untold one on."""
        try:
            async with self._database.reading(claim.scope) as session:
                told = await transitions.told_since(session, claim.execution, claim.first - 1)
            known = await self._teller.tell(claim.scope.org, claim.execution, told)
        except Exception as error:
            # The SDK raises more than RPCError where it cannot connect; the round raises it again.
            async with self._database.transaction(claim.scope) as session:
                await relay.give_back(session, claim.execution)
            return error
        if not known:
            # Kept until its lease ends, so that a hopeless row does not fill every round.
            log.error("execution %s cannot be told", claim.execution)
            return None
        async with self._database.transaction(claim.scope) as session:
            await lives.forget_told(session, [(claim.execution, one.number) for one in told])
        return None
