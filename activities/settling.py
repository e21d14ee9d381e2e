"""Settling what is due, in one transaction of the record."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity

from activities.delivering import DeliveringActivities
from activities.failures import in_temporals_words
from db.engine import Database
from db.lives import Lives
from db.queries import lives as life_rows
from db.requests import Clock, database_clock
from db.scope import Scope
from db.transitions import settle_due
from domain.errors import Unavailable
from domain.playbook.telling import Settlement
from workflows.interfaces import Settling
from workflows.messages import DeliveryReport, SettleRequest

log = logging.getLogger(__name__)

TRY_AT_ONCE = 1.0
"""Seconds; well within the two that one attempt of the local activity has."""

MOST_SKEW = timedelta(minutes=1)
"""Law 3: where the clocks of database and Temporal differ by more, settling waits and alarms."""


class SettlingActivities(Settling):
    """Settles as the organization's service member."""

    def __init__(
        self,
        database: Database,
        lives: Lives,
        delivering: DeliveringActivities,
        *,
        clock: Clock = database_clock,
    ) -> None:
        self._database = database
        self._delivering = delivering
        self._sending: set[asyncio.Task[DeliveryReport]] = set()
        self._lives = lives
        self._clock = clock

    @activity.defn(name="settle")
    async def settle(self, request: SettleRequest) -> Settlement:
        """Settle every deadline that has come and return what the workflow does not know.

        Called locally it also tries at once what is to be delivered, after the commit: the result
        of a quick delivery then needs no history event of its own.
        """
        scope = await self._scope(request)
        found = await self._settled(scope, request)
        if not activity.info().is_local or not found.pending_deliveries:
            return found
        report = await self._tried(scope, found.pending_deliveries)
        if report is None:
            return found
        if report.changed:
            return await self._settled(scope, request)
        left = tuple(key for key in found.pending_deliveries if key not in report.done)
        put_off = {one.id: one.not_before for one in report.waiting if one.not_before is not None}
        return replace(found, pending_deliveries=left, put_off=put_off)

    async def _scope(self, request: SettleRequest) -> Scope:
        async with in_temporals_words():
            return await self._lives.scope(UUID(request.org))

    async def _tried(self, scope: Scope, wanted: tuple[str, ...]) -> DeliveryReport | None:
        """What became of deliveries within a second; None where that is not known yet.

        A slow one goes on by itself and writes its result under its own claim, as always.
        """
        task = asyncio.create_task(self._delivering.carry_out_now(scope, wanted))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        done, _ = await asyncio.wait({task}, timeout=TRY_AT_ONCE)
        if not done or task.exception() is not None:
            return None
        return task.result()

    async def _settled(self, scope: Scope, request: SettleRequest) -> Settlement:
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
            self._database.transaction(scope) as session,
        ):
            found = await settle_due(session, execution, request.known, clock=checked)
            # Whoever asks is told by this answer, or asks again: the relay need not tell it too.
            await life_rows.forget_told(session, [(execution, one.number) for one in found.news])
        return found
