"""Carrying out deliveries: claimed with a lease, sent, ended once (law 8).

Sending is at least once under one key; the result is written by who holds the claim's fencing
number, so that a process that was stopped past its lease and goes on cannot overwrite it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity

from activities.channels.results import NotSent, Pointless, Result, Sent
from activities.composing import Composer, Unsendable
from activities.failures import again_after, in_temporals_words
from activities.trying import SOON, next_try
from db.engine import Database
from db.lives import Lives
from db.queries import audit, correspondence, deliveries, endpoints
from db.queries.deliveries import Claimed, NotClaimed
from db.requests import Clock, database_clock
from db.scope import Scope
from db.sessions import WriteSession
from db.transitions import apply_event, hold
from domain.errors import Unavailable
from domain.playbook.events import DeliveryEnded, Event
from domain.playbook.state import StepStatus
from runtime.ids import new_id
from workflows.interfaces import Delivering
from workflows.messages import DeliverRequest, DeliveryReport, PendingDelivery

log = logging.getLogger(__name__)

RECORDED_WITHIN = 300.0
RECORD_AGAIN = 0.2
"""Seconds: for how long, and how soon, a result is written again while the database is away.

Sooner than anybody else claims the delivery again, whose lease ends meanwhile.
"""

ENDED = frozenset({"delivered", "dead", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Pace:
    """Bounds of one attempt of the activity, in seconds and in messages at once.

    A lease is longer than what one message may take, so that it ends after its holder gave up.
    """

    patience: float
    begin_within: float
    at_once: int = 8
    margin: float = 15.0

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.patience + self.margin)


LOCAL = Pace(patience=3.0, begin_within=0.5, margin=5.0)
REGULAR = Pace(patience=25.0, begin_within=45.0)


@dataclass(frozen=True, slots=True)
class _Tried:
    done: bool
    not_before: datetime | None = None
    changed: bool = False


class DeliveringActivities(Delivering):
    """Delivers as the organization's service member."""

    def __init__(
        self,
        database: Database,
        lives: Lives,
        composer: Composer,
        *,
        clock: Clock = database_clock,
    ) -> None:
        self._database = database
        self._lives = lives
        self._composer = composer
        self._clock = clock
        self._recording: set[asyncio.Task[_Tried]] = set()

    @activity.defn(name="deliver")
    async def deliver(self, request: DeliverRequest) -> DeliveryReport:
        """Try each delivery that may be tried; raise where one is to be tried again soon."""
        async with in_temporals_words():
            scope = await self._lives.scope(UUID(request.org))
            pace = LOCAL if activity.info().is_local else REGULAR
            report, soon = await self.carry_out(scope, request.deliveries, pace)
        if soon is not None:
            raise again_after(soon, "delivery_unfinished")
        return report

    async def carry_out_now(self, scope: Scope, wanted: Sequence[str]) -> DeliveryReport:
        """One quick try of each; what has to be tried again is left to the workflow."""
        report, _ = await self.carry_out(scope, wanted, LOCAL)
        return report

    async def carry_out(
        self, scope: Scope, wanted: Sequence[str], pace: Pace
    ) -> tuple[DeliveryReport, timedelta | None]:
        """What became of each, and the wait after which some are to be tried again at once."""
        gate = asyncio.Semaphore(pace.at_once)
        began = asyncio.get_running_loop().time()

        async def one(key: str) -> _Tried | None:
            async with gate:
                if asyncio.get_running_loop().time() - began > pace.begin_within:
                    return None
                return await self._try(scope, UUID(key), pace)

        tried = await asyncio.gather(*(one(key) for key in wanted))
        now = await self._now(scope)
        done, waiting, soon = [], [], []
        for key, result in zip(wanted, tried, strict=True):
            if result is not None and result.done:
                done.append(key)
                continue
            at = result.not_before if result is not None else None
            wait = timedelta() if at is None else max(at - now, timedelta())
            if wait <= SOON:
                soon.append(max(wait, timedelta(milliseconds=100)))
            else:
                waiting.append(PendingDelivery(key, at))
        changed = any(result is not None and result.changed for result in tried)
        report = DeliveryReport(tuple(done), tuple(waiting), changed)
        return report, min(soon, default=None)

    async def _try(self, scope: Scope, delivery: UUID, pace: Pace) -> _Tried:
        quiet_until = await self._composer.quiet_until(scope, delivery)
        if quiet_until is not None:
            return _Tried(done=False, not_before=quiet_until)
        async with self._database.transaction(scope) as session:
            claimed = await deliveries.claim(session, delivery, pace.lease)
        if claimed is None:
            log.error("delivery %s is not in the record", delivery)
            return _Tried(done=True)
        if isinstance(claimed, NotClaimed):
            if claimed.status in ENDED:
                # Its result may have been applied by an attempt that could not say so.
                return _Tried(done=True, changed=await self._has_result(scope, delivery))
            return _Tried(done=False, not_before=claimed.not_before)
        result = await self._send(scope, claimed, pace)
        # An activity that is given up meanwhile must not take what the receiver said with it.
        recording = asyncio.create_task(self._record_surely(scope, claimed, result))
        self._recording.add(recording)
        recording.add_done_callback(self._recording.discard)
        return await asyncio.shield(recording)

    async def _send(self, scope: Scope, claimed: Claimed, pace: Pace) -> Result:
        try:
            async with asyncio.timeout(pace.patience):
                return await self._composer.send(scope, claimed, pace.patience)
        except Unsendable as fault:
            return NotSent(fault.code, final=True)
        except TimeoutError:
            return NotSent("no_answer")

    async def _record_surely(self, scope: Scope, claimed: Claimed, result: Result) -> _Tried:
        """Write the result, though the database goes away right after the receiver answered.

        Without this a stop of PostgreSQL would send again what was taken (SECURITY.md, fault 1).
        """
        until = asyncio.get_running_loop().time() + RECORDED_WITHIN
        while True:
            try:
                return await self._record(scope, claimed, result)
            except Unavailable:
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(RECORD_AGAIN)

    async def _record(self, scope: Scope, claimed: Claimed, result: Result) -> _Tried:
        """Write the result once; a claim that was lost meanwhile leaves it to who has it now."""
        async with self._database.transaction(scope) as session:
            if isinstance(result, Sent):
                kept = await deliveries.delivered(
                    session, claimed.id, claimed.fencing, dict(result.details)
                )
                return await self._ended(session, claimed, True) if kept else _lost(claimed)
            now = await correspondence.database_now(session)
            if isinstance(result, Pointless):
                kept = await deliveries.withdrawn(session, claimed.id, claimed.fencing, result.code)
                return _Tried(done=True) if kept else _lost(claimed)
            wait = next_try(claimed, result, now)
            if wait is not None:
                at = await deliveries.retry_later(
                    session, claimed.id, claimed.fencing, result.code, wait
                )
                return _Tried(done=False, not_before=at) if at else _lost(claimed)
            if result.code == "webhook_gone" and claimed.recipient is not None:
                await self._close_endpoint(session, claimed.recipient, now)
            kept = await deliveries.dead(
                session, claimed.id, claimed.fencing, result.code, dict(result.details)
            )
            if not kept:
                return _lost(claimed)
            log.warning("delivery %s is a dead letter: %s", claimed.id, result.code)
            return await self._ended(session, claimed, False)

    async def _ended(self, session: WriteSession, claimed: Claimed, delivered: bool) -> _Tried:
        """Tell a step that waits for the result, once all of its messages have ended."""
        if claimed.execution is None or claimed.step is None or claimed.number is None:
            return _Tried(done=True)
        found = await correspondence.about(session, [claimed.id])
        if not found or found[0].status != StepStatus.sending:
            return _Tried(done=True)
        left, died = await correspondence.left_for_step(
            session, claimed.execution, claimed.number, claimed.step, claimed.id
        )
        if left:
            return _Tried(done=True)
        body = DeliveryEnded(claimed.step, delivered and not died, claimed.occurrence or 1)
        event = Event(f"delivery:{claimed.id}", body)
        held = await hold(session, claimed.execution, event.id, clock=self._clock)
        await apply_event(session, held, event)
        return _Tried(done=True, changed=True)

    async def _has_result(self, scope: Scope, delivery: UUID) -> bool:
        async with self._database.reading(scope) as session:
            found = await correspondence.about(session, [delivery])
        return bool(found) and found[0].template in ("webhook", "crm")

    async def _close_endpoint(self, session: WriteSession, endpoint: UUID, at: datetime) -> None:
        await endpoints.deactivate(session, endpoint, "gone")
        entry = audit.NewAuditEntry(
            id=new_id(),
            at=at,
            action="webhook_endpoint_deactivated",
            object_kind="webhook_endpoint",
            object_id=str(endpoint),
            reason_code="gone",
        )
        await audit.insert_many(session, [entry])

    async def _now(self, scope: Scope) -> datetime:
        async with self._database.reading(scope) as session:
            return await correspondence.database_now(session)


def _lost(claimed: Claimed) -> _Tried:
    log.warning("delivery %s was claimed by another process; its result stands", claimed.id)
    return _Tried(done=False)
