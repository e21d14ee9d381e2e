"""The one value that an execution's workflow keeps: what it was told, and what is next.

It decides nothing about the playbook. Everything in it can be loaded again from the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.playbook.telling import Settlement, Told
from workflows.messages import (
    LIFE_SCHEMA,
    DeliveryReport,
    ExecutionInput,
    PendingDelivery,
)

DIGESTS_KEPT = 32
"""Digests of the newest transitions kept to notice a changed one; a choice, small in payloads."""

RECENT_KEPT = 8
"""Transitions named in Temporal's own screens."""

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=60)
"""Bounds of the wait after settling found nothing due, doubled while that repeats (law 3)."""

DELIVERY_WAIT = timedelta(seconds=5)
"""The least wait between two tries, where the clocks of record and Temporal differ a little."""


@dataclass(slots=True)
class Life:
    """All state of one `ExecutionWorkflow`. Instants are aware UTC datetimes."""

    org: str
    execution: str
    playbook: str
    known: int
    digests: dict[int, str]
    next_deadline: datetime | None
    pending: dict[str, datetime | None]
    ended: bool
    load: bool
    ahead: dict[int, Told] = field(default_factory=dict)
    not_before: datetime | None = None
    early: int = 0
    conflicts: int = 0
    recent: list[str] = field(default_factory=list)
    asked_ahead: tuple[int, ...] = ()
    schema: int = LIFE_SCHEMA

    @classmethod
    def begin(cls, given: ExecutionInput) -> Life:
        """A life that knows nothing loads everything; one that knows something goes on from there.

        What it does next follows from `known` alone and not from `told`, which is there to be read.
        """
        return cls(
            org=given.org,
            execution=given.execution,
            playbook=given.playbook,
            known=given.known,
            digests=dict(given.digests or {}),
            next_deadline=given.next_deadline,
            pending={delivery.id: delivery.not_before for delivery in given.pending},
            ended=given.ended,
            load=given.known < 0,
            recent=[_line(one) for one in given.told[-RECENT_KEPT:]],
            schema=given.schema_version,
        )

    def go_on(self, continue_after: int | None) -> ExecutionInput:
        """The input of the run that continues this one."""
        return ExecutionInput(
            org=self.org,
            execution=self.execution,
            playbook=self.playbook,
            known=self.known,
            digests=dict(self.digests),
            next_deadline=self.next_deadline,
            pending=tuple(PendingDelivery(key, at) for key, at in self.pending.items()),
            ended=self.ended,
            continue_after=continue_after,
            schema_version=self.schema,
        )

    def hear(self, told: Iterable[Told]) -> None:
        """Put each transition in its place: known ones are ignored, early ones kept.

        A known number with another digest means that record and workflow disagree: it is counted,
        and everything is loaded again.
        """
        for one in told:
            place = self.digests.get(one.number) if one.number <= self.known else None
            if one.number > self.known and one.number in self.ahead:
                place = self.ahead[one.number].digest
            if place is not None and place != one.digest:
                self._conflict()
            elif one.number > self.known:
                self.ahead.setdefault(one.number, one)
        self._absorb()

    def ask(self) -> int:
        """The number to settle after; what is ahead of it now has to be in the answer."""
        self.asked_ahead = tuple(self.ahead)
        return self.known

    def learn(self, asked: int, found: Settlement, now: datetime) -> None:
        """Take what settling returned for `asked`, the number known when it was asked."""
        if asked > self.known:
            return  # a conflict was heard meanwhile; everything is to be loaded anyway
        reached = asked
        for one in found.news:
            early = self.ahead.pop(one.number, None)
            if early is not None and early.digest != one.digest:
                self.conflicts += 1
            reached = one.number
            if one.number == self.known + 1:
                self._take(one)
        self.load = False
        for number in self.asked_ahead:
            # Told before it was asked for, yet not in the record: the record was set back.
            if number > reached and self.ahead.pop(number, None) is not None:
                self.conflicts += 1
        if reached >= self.known:
            # Nothing newer was heard meanwhile, so the record's view is the whole truth.
            self.next_deadline = found.next_deadline
            self.ended = found.ended
            self.pending = {
                key: found.put_off.get(key, self.pending.get(key))
                for key in found.pending_deliveries
            }
        still_due = found.next_deadline is not None and found.next_deadline <= now
        if found.not_before is not None or (still_due and not found.news):
            wait = min(SHORTEST_WAIT * 2 ** min(self.early, 6), LONGEST_WAIT)
            self.early += 1
            self.not_before = max(found.not_before or now, now + wait)
        else:
            self.not_before, self.early = None, 0
        self._absorb()

    def report(self, report: DeliveryReport, now: datetime) -> None:
        """Take the results of deliveries; a wait that is over by our clock lasts a while longer."""
        for key in report.done:
            self.pending.pop(key, None)
        for delivery in report.waiting:
            if delivery.id in self.pending:
                self.pending[delivery.id] = max(delivery.not_before or now, now + DELIVERY_WAIT)
        self.load = self.load or report.changed

    def must_settle(self, now: datetime) -> bool:
        """Whether the record has to be asked: all is to be loaded, one is missing, or one is due.

        A transition ahead of a missing one has overtaken it, so asking brings both at once.
        """
        at = self._deadline()
        return self.load or bool(self.ahead) or (at is not None and at <= now)

    def deliveries_due(self, now: datetime, under_way: Iterable[str]) -> tuple[str, ...]:
        """The deliveries to try now, in the order they were told."""
        busy = frozenset(under_way)
        return tuple(
            key for key, at in self.pending.items() if key not in busy and (at is None or at <= now)
        )

    def wakes_at(self, under_way: Iterable[str]) -> datetime | None:
        """The earliest instant at which something is to be done without being told."""
        busy = frozenset(under_way)
        instants = [at for key, at in self.pending.items() if at is not None and key not in busy]
        deadline = self._deadline()
        return min([*instants, deadline] if deadline is not None else instants, default=None)

    @property
    def over(self) -> bool:
        """Whether the outcome is applied and no delivery is pending."""
        return self.ended and not self.pending and not self.ahead and not self.load

    def told_in_words(self) -> str:
        """Markdown for Temporal's own screens: codes and instants only."""
        lines = [f"**{self.playbook}**, transition {self.known}"]
        if self.ended:
            lines.append("Outcome applied.")
        elif self.next_deadline is not None:
            lines.append(f"Next deadline: {_minute(self.next_deadline)}")
        if self.pending:
            lines.append(f"Deliveries pending: {len(self.pending)}")
        if self.conflicts:
            lines.append(f"Disagreed with the record: {self.conflicts} times")
        return "\n\n".join([*lines, "\n".join(f"- {entry}" for entry in self.recent)])

    def _deadline(self) -> datetime | None:
        if self.ended or self.next_deadline is None:
            return None
        if self.not_before is None:
            return self.next_deadline
        return max(self.next_deadline, self.not_before)

    def _absorb(self) -> None:
        for number in [number for number in self.ahead if number <= self.known]:
            del self.ahead[number]
        while self.known >= 0 and self.known + 1 in self.ahead:
            self._take(self.ahead.pop(self.known + 1))

    def _take(self, one: Told) -> None:
        self.known = one.number
        self.digests[one.number] = one.digest
        self.digests.pop(one.number - DIGESTS_KEPT, None)
        self.next_deadline = one.next_deadline
        self.ended = self.ended or one.ended
        self.not_before, self.early = None, 0
        for key in one.deliveries:
            self.pending.setdefault(key, None)
        self.recent.append(_line(one))
        del self.recent[:-RECENT_KEPT]

    def _conflict(self) -> None:
        self.conflicts += 1
        self.load = True
        self.known = -1
        self.digests.clear()


def knowing(given: ExecutionInput, told: Sequence[Told]) -> ExecutionInput:
    """The input of a life that begins with these transitions, so that it need not load them.

    Where one is missing, or something is to be done at once, the life loads everything after all:
    settling tries deliveries within the one event that it takes, and knows whether all is over.
    """
    for number, one in enumerate(told):
        if one.number != number or one.deliveries or one.ended:
            return given
    return replace(
        given,
        known=told[-1].number,
        digests={one.number: one.digest for one in told[-DIGESTS_KEPT:]},
        next_deadline=told[-1].next_deadline,
        told=tuple(told),
    )


def _line(one: Told) -> str:
    # A deadline's id names its step and level; other ids belong to a person's request.
    what = one.event_id if one.event_id.startswith("deadline:") else one.event
    code = f" ({one.reason_code})" if one.reason_code else ""
    return f"{one.number} {what}{code} at {_minute(one.at)}"


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
