"""Settling what is due, in one transaction of the record."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity

from activities.failures import in_temporals_words
from db.engine import Database
from db.lives import Lives
from db.queries import lives as life_rows
from db.requests import Clock, database_clock
from db.transitions import settle_due
from domain.errors import Unavailable
from domain.playbook.telling import Settlement
from workflows.interfaces import Settling
from workflows.messages import SettleRequest

log = logging.getLogger(__name__)

MOST_SKEW = timedelta(minutes=1)
"""Law 3: where the clocks of database and Temporal differ by more, settling waits and alarms."""


class SettlingActivities(Settling):
    """Settles as the organization's service member."""

    def __init__(self, database: Database, lives: Lives, *, clock: Clock = database_clock) -> None:
        self._database = database
        self._lives = lives
        self._clock = clock

    @activity.defn(name="settle")
    async def settle(self, request: SettleRequest) -> Settlement:
        """Settle every deadline that has come and return what the workflow does not know."""
        execution = UUID(request.execution)
        latest = max(request.asked_at, activity.info().started_time)

        def checked(at: datetime) -> datetime:
            instant = self._clock(at)
            if not request.asked_at - MOST_SKEW <= instant <= latest + MOST_SKEW:
                log.error("clocks differ: record %s, Temporal %s", instant, request.asked_at)
                raise Unavailable(
                    "The clocks of PostgreSQL and Temporal differ by more than a minute. "
                    "Set them by the same time server; settling goes on by itself.",
                    code="clocks_differ",
                )
            return instant

        async with (
            in_temporals_words(),
            self._database.transaction(await self._lives.scope(UUID(request.org))) as session,
        ):
            found = await settle_due(session, execution, request.known, clock=checked)
            # Whoever asks is told by this answer, or asks again: the relay need not tell it too.
            await life_rows.forget_told(session, [(execution, one.number) for one in found.news])
        return found
