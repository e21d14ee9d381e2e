"""A record in memory at the boundary of the workflow: what PostgreSQL holds for the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.playbook.telling import Settlement, Told
from workflows.interfaces import Delivering, Settling
from workflows.messages import DeliverRequest, DeliveryReport, PendingDelivery, SettleRequest

PLAYBOOK = "at-risk-intervention"


@dataclass(frozen=True, slots=True)
class Stored:
    playbook: str
    over: bool


@dataclass
class Record(Settling, Delivering):
    """One execution: its transitions, its deadlines and deliveries, and what was asked of it."""

    org: UUID = field(default_factory=uuid4)
    execution: UUID = field(default_factory=uuid4)
    transitions: list[Told] = field(default_factory=list)
    deadlines: list[datetime] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    settled: list[SettleRequest] = field(default_factory=list)
    looked_up: int = 0
    regular: int = 0
    failures: int = 0
    hangs: int = 0
    slow_deliveries: int = 0
    wait_once: datetime | None = None
    not_before_once: bool = False

    def __post_init__(self) -> None:
        self.clock: datetime | None = None

    def change(
        self,
        event: str,
        *,
        deadlines: Iterable[datetime] | None = None,
        deliveries: tuple[str, ...] = (),
        ended: bool = False,
        at: datetime | None = None,
        event_id: str | None = None,
    ) -> Told:
        """Make the next transition, as a person's command or a deadline would."""
        if deadlines is not None:
            self.deadlines = sorted(deadlines)
        number = len(self.transitions)
        told = Told(
            number=number,
            event=event,
            event_id=event_id or f"event-{number}",
            reason_code=None,
            at=at or datetime.now(UTC),
            digest=f"digest-{number}",
            next_deadline=None if ended or not self.deadlines else self.deadlines[0],
            deliveries=deliveries,
            ended=ended,
            playbook=PLAYBOOK if number == 0 else None,
        )
        self.pending.extend(deliveries)
        self.transitions.append(told)
        return told

    @property
    def ended(self) -> bool:
        return any(told.ended for told in self.transitions)

    async def stored(self, org: UUID, execution: UUID) -> Stored | None:
        """What the teller asks of the record."""
        if (org, execution) != (self.org, self.execution):
            return None
        self.looked_up += 1
        return Stored(PLAYBOOK, self.ended and not self.pending)

    @activity.defn(name="settle")
    async def settle(self, request: SettleRequest) -> Settlement:
        self.settled.append(request)
        if not activity.info().is_local:
            self.regular += 1
        if self.failures:
            self.failures -= 1
            raise ApplicationError("the record is down", type="unavailable")
        if self.hangs:
            self.hangs -= 1
            await asyncio.sleep(60)
        now = request.asked_at
        due = not self.ended and bool(self.deadlines) and self.deadlines[0] <= now
        if due and self.not_before_once:
            self.not_before_once = False
            return self._settlement(request, self.deadlines[0])
        while not self.ended and self.deadlines and self.deadlines[0] <= now:
            at = self.deadlines.pop(0)
            last = not self.deadlines
            self.change("deadline_passed", at=at, event_id=f"deadline:due:outreach:{at:%M%S}")
            if last:
                self.change("ended", ended=True)
        return self._settlement(request, None)

    def _settlement(self, request: SettleRequest, not_before: datetime | None) -> Settlement:
        return Settlement(
            news=tuple(told for told in self.transitions if told.number > request.known),
            next_deadline=None if self.ended or not self.deadlines else self.deadlines[0],
            pending_deliveries=tuple(self.pending),
            ended=self.ended,
            not_before=not_before,
        )

    @activity.defn(name="deliver")
    async def deliver(self, request: DeliverRequest) -> DeliveryReport:
        if self.slow_deliveries and activity.info().is_local:
            self.slow_deliveries -= 1
            raise ApplicationError("not within a local activity", type="delivery_unfinished")
        if self.wait_once is not None:
            until, self.wait_once = self.wait_once, None
            waiting = tuple(PendingDelivery(key, until) for key in request.deliveries)
            return DeliveryReport(done=(), waiting=waiting)
        for key in request.deliveries:
            if key in self.pending:
                self.pending.remove(key)
                self.sent.append(key)
        return DeliveryReport(done=request.deliveries)


def soon(seconds: float) -> datetime:
    """An instant that many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def until(check: Callable[[], object], patience: float = 15) -> None:
    """Wait until a condition holds; fail after `patience` seconds."""
    async with asyncio.timeout(patience):
        while not check():  # noqa: ASYNC110 - what is waited for happens on a server
            await asyncio.sleep(0.05)
