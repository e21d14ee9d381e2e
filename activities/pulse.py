"""Notices that Temporal's store was set back, as by an older copy of its file, or lost.

A number stands in the store and in the record, and only grows. Where the store shows a smaller one
than the record remembers, every life begins anew from the record: whoever does not know of a
set-back would keep an old timer, wait for what has happened, or go on after the outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from db.engine import Database
from db.queries import pulse
from workflows.delivery import DeliveryWorkflow
from workflows.messages import DeliveryInput

log = logging.getLogger(__name__)

PAUSE = 30.0
"""Seconds between beats, and so the longest stretch of lost time that stays unnoticed."""

CONFIRMED_AFTER = 20
"""Looks, a tenth of a second apart, until a beat shows; else the next round remembers it."""

IDENTITY = "holdfast-pulse"
_WAIT = timedelta(seconds=5)


class Pulse:
    """One beat; any number of processes may beat. `set_back` begins every life anew.

    The number is the note of a schedule that is paused for good: a durable place of Temporal's
    that needs no workflow and no right beyond those that a worker has.
    """

    def __init__(
        self,
        database: Database,
        client: Client,
        set_back: Callable[[], Awaitable[None]],
        *,
        task_queue: str,
    ) -> None:
        self._database = database
        self._client = client
        self._set_back = set_back
        self._task_queue = task_queue

    async def round(self) -> bool:
        """Compare, mend, and beat; never asks to be repeated.

        The record remembers last: whoever dies on the way leaves it to the next round.
        """
        namespace = self._client.namespace
        async with self._database.unscoped() as connection:
            remembered = await pulse.known(connection, namespace)
        shown = await self._shown()
        if shown < remembered:
            log.error("Temporal shows %s, and has shown %s: it was set back", shown, remembered)
            await self._set_back()
        confirmed = await self._beat(max(shown, remembered) + 1)
        async with self._database.unscoped() as connection:
            await pulse.remember(connection, namespace, confirmed)
        return False

    async def _shown(self) -> int:
        try:
            found = await self._client.get_schedule_handle(IDENTITY).describe(rpc_timeout=_WAIT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return 0
        return _number(found.schedule.state.note)

    async def _beat(self, number: int) -> int:
        try:
            await self._client.create_schedule(
                IDENTITY,
                Schedule(
                    action=ScheduleActionStartWorkflow(
                        DeliveryWorkflow.run,
                        DeliveryInput("", ()),  # does nothing, whoever triggers it
                        id=IDENTITY,
                        task_queue=self._task_queue,
                    ),
                    spec=ScheduleSpec(),
                    state=ScheduleState(note=str(number), paused=True),
                ),
                rpc_timeout=_WAIT,
            )
        except ScheduleAlreadyRunningError:
            await self._client.get_schedule_handle(IDENTITY).update(
                lambda known: _with_note(known, number), rpc_timeout=_WAIT
            )
        for _ in range(CONFIRMED_AFTER):  # the server takes a moment, and shows it when it is kept
            shown = await self._shown()
            if shown >= number:
                return shown
            await asyncio.sleep(0.1)
        return shown


def _number(note: str | None) -> int:
    return int(note) if note and note.isdigit() else 0


def _with_note(known: ScheduleUpdateInput, number: int) -> ScheduleUpdate:
    schedule = known.description.schedule
    schedule.state.note = str(max(number, _number(schedule.state.note)))
    return ScheduleUpdate(schedule)
