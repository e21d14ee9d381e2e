"""Tests that read as sentences: seed, act, move the clock, expect.

A refused act has to be met by `expects_refusal`, otherwise the next word of the sentence fails.
Expectations about what was told look at what the last act, or the last move of the clock, caused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from domain.calendars import CalendarSnapshot, plain_calendar
from domain.errors import Refused
from domain.playbook import events as e
from domain.playbook.codec import content_hash
from domain.playbook.commands import (
    Breached,
    Ended,
    Escalate,
    Remind,
    Send,
    StepClosed,
    StepOpened,
    Tell,
)
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition, OutcomeKind, Recipient, Value
from domain.playbook.events import SYSTEM, Actor, Event
from domain.playbook.machine import Made, transit
from domain.playbook.state import CLOSED, State, StepState, StepStatus
from tests.domain.playbook.definitions import CSM, DIRECTOR, MANAGER, utc

C = TypeVar("C")


def scenario(definition: Definition) -> Scenario:
    return Scenario(definition)


class Scenario:
    """One execution, its clock, and everything it made so far."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.now = utc("2026-03-02 09:00")  # a Monday
        self.calendar = plain_calendar()
        self.fields: dict[str, Value] = {}
        self.made: list[Made] = []
        self.news: tuple[Made, ...] = ()
        self.refusal: Refused | None = None
        self._state: State | None = None

    # --- seeding and the clock --------------------------------------------------------------

    def at(self, when: str) -> Scenario:
        """Turn the clock to an instant in UTC, with every deadline on the way met in time."""
        return self._move_to(utc(when))

    def by_calendar(self, calendar: CalendarSnapshot) -> Scenario:
        self.calendar = calendar
        return self

    def knowing(self, fields: dict[str, Value]) -> Scenario:
        self.fields = fields
        return self

    def fast_forward(self, **span: float) -> Scenario:
        return self._move_to(self.now + timedelta(**span))

    def sleeps(self, **span: float) -> Scenario:
        """The clock moves while no worker is awake: nothing is settled on the way."""
        self._no_refusal()
        self.now += timedelta(**span)
        return self

    def wakes(self) -> Scenario:
        """A worker comes back and settles, all at once, what fell due."""
        return self._transit(None)

    # --- acts -------------------------------------------------------------------------------

    def starts(self, by: Actor = CSM, **parameters: str) -> Scenario:
        started = e.Started(self.fields, self.calendar, parameters)
        return self.does(started, by)

    def does(self, body: e.Body, by: Actor = SYSTEM) -> Scenario:
        """Any event, for words that have none of their own."""
        number = len(self.made)
        return self._transit(Event(f"event:{number}", body, by))

    def completes(
        self, step: str, by: Actor = CSM, occurred: str | None = None, **more: Any
    ) -> Scenario:
        occurred_at = utc(occurred) if occurred else None
        return self.does(e.StepCompleted(step, occurred_at=occurred_at, **more), by)

    def skips(self, step: str, by: Actor = CSM) -> Scenario:
        return self.does(e.StepSkipped(step), by)

    def asks_for_waiver(self, step: str, by: Actor = CSM, expires: str | None = None) -> Scenario:
        return self.does(e.WaiverRequested(step, expires_at=utc(expires) if expires else None), by)

    def decides_waiver(self, step: str, approved: bool, by: Actor = DIRECTOR) -> Scenario:
        return self.does(e.WaiverDecided(step, approved), by)

    def waits_for_customer(self, step: str, until: str, by: Actor = CSM) -> Scenario:
        return self.does(e.WaitingStarted(step, "no_answer", utc(until)), by)

    def hears_from_customer(self, step: str, by: Actor = CSM) -> Scenario:
        return self.does(e.WaitingEnded(step), by)

    def snoozes(self, step: str, until: str, by: Actor = CSM) -> Scenario:
        return self.does(e.Snoozed(step, utc(until)), by)

    def reassigns(self, step: str, to: str, by: Actor = CSM) -> Scenario:
        return self.does(e.Reassigned(step, to), by)

    def reopens(self, step: str, by: Actor = CSM) -> Scenario:
        return self.does(e.Reopened(step), by)

    def accepts(self, step: str, by: Actor = MANAGER) -> Scenario:
        return self.does(e.HandOffDecided(step, accepted=True), by)

    def declines(self, step: str, by: Actor = MANAGER) -> Scenario:
        return self.does(e.HandOffDecided(step, accepted=False), by)

    def acknowledges(self, step: str, by: Actor = DIRECTOR) -> Scenario:
        return self.does(e.Acknowledged(step), by)

    def learns_fact(
        self, fact: str, occurred: str | None = None, answers: dict[str, Value] | None = None
    ) -> Scenario:
        occurred_at = utc(occurred) if occurred else self.now
        return self.does(e.FactArrived(fact, f"fact:{len(self.made)}", occurred_at, answers))

    def learns(self, fields: dict[str, Value], version: int | None = None) -> Scenario:
        newest = self.state.fields_version + 1
        return self.does(e.FieldsChanged(fields, newest if version is None else version))

    def pauses(self, holder: str = "person") -> Scenario:
        return self.does(e.Paused(holder), DIRECTOR)

    def resumes(self, holder: str = "person") -> Scenario:
        return self.does(e.Resumed(holder), DIRECTOR)

    def migrates(self, onto: Definition, by: Actor = DIRECTOR, **changes: Any) -> Scenario:
        """Moves to another version of the playbook; `changes` of the event, for one that lies."""
        body = e.Migrated(
            version="version",
            content_hash=content_hash(onto),
            number=2,
            before=content_hash(self.definition),
            fields=self.state.fields,
            fields_version=self.state.fields_version,
        )
        event = Event(f"event:{len(self.made)}", replace(body, **changes), by)
        return self._transit(event, onto)

    # --- expectations -----------------------------------------------------------------------

    def expects_refusal(self, code: str) -> Scenario:
        assert self.refusal is not None, f'Nothing was refused; "{code}" was expected.'
        assert self.refusal.code == code
        assert self.refusal.message.endswith(".")
        self.refusal = None
        return self

    def expects(self, step: str, status: StepStatus, occurrence: int = 1) -> Scenario:
        self._no_refusal()
        assert self.step(step, occurrence).status is status
        return self

    def expects_open(self, *steps: str) -> Scenario:
        """Exactly these steps are neither closed nor still to come."""
        self._no_refusal()
        still = {*CLOSED, StepStatus.scheduled}
        assert {s.key for s in self.state.steps if s.status not in still} == set(steps)
        return self

    def expects_due(self, step: str, when: str | None, occurrence: int = 1) -> Scenario:
        self._no_refusal()
        assert self.step(step, occurrence).due_at == (utc(when) if when else None)
        return self

    def expects_breach(self, step: str, at: str) -> Scenario:
        found = [c for c in self.said(Breached) if c.step == step]
        assert [c.due_at for c in found] == [utc(at)]
        return self

    def expects_no_breach(self) -> Scenario:
        assert self.said(Breached) == []
        return self

    def expects_escalation(self, level: int, to: str | None = None) -> Scenario:
        """`to` is a role, or a part such as "assignee"; "nobody" for a level told to nobody."""
        found = [c for c in self.said(Escalate) if c.level == level]
        assert len(found) == 1, f"Level {level} fired {len(found)} times."
        if to is not None:
            assert to in (_parts(found[0].tell) or ["nobody"])
        return self

    def expects_no_escalation(self) -> Scenario:
        assert self.said(Escalate) == []
        return self

    def expects_reminders(self, *at: str) -> Scenario:
        told = [m.at for m in self.news for c in m.commands if isinstance(c, Remind)]
        assert told == [utc(when) for when in at]
        return self

    def expects_told(self, code: str) -> Scenario:
        assert code in [c.code for c in self.said(Tell)]
        return self

    def expects_not_told(self, code: str) -> Scenario:
        assert code not in [c.code for c in self.said(Tell)]
        return self

    def expects_sent(self, *channels: str) -> Scenario:
        assert [c.channel for c in self.said(Send)] == list(channels)
        return self

    def expects_announced(self, *steps: str) -> Scenario:
        assert [c.step for c in self.said(StepOpened)] == list(steps)
        return self

    def expects_closed(
        self, step: str, *, late: bool = False, logged_late: bool = False
    ) -> Scenario:
        found = [c for c in self.said(StepClosed) if c.step == step]
        assert [(c.late, c.logged_late) for c in found] == [(late, logged_late)]
        return self

    def expects_outcome(self, kind: OutcomeKind, code: str) -> Scenario:
        self._no_refusal()
        assert (self.state.outcome, self.state.outcome_code) == (kind, code)
        assert [c.code for made in self.made for c in made.commands if isinstance(c, Ended)] == [
            code
        ]
        return self

    def expects_running(self) -> Scenario:
        self._no_refusal()
        assert self.state.outcome is None
        return self

    def expects_at_rest(self) -> Scenario:
        """It waits for people; nothing happens by itself."""
        self._no_refusal()
        assert next_deadline(self.definition, self.state) is None
        return self

    # --- reading ----------------------------------------------------------------------------

    @property
    def state(self) -> State:
        assert self._state is not None, "The scenario has not started."
        return self._state

    def step(self, key: str, occurrence: int = 1) -> StepState:
        found = [s for s in self.state.steps if (s.key, s.occurrence) == (key, occurrence)]
        assert found, f"{key} #{occurrence} has not come up."
        return found[0]

    def said(self, kind: type[C]) -> list[C]:
        """Commands of a kind that the last act, or the last move of the clock, caused."""
        self._no_refusal()
        return [c for made in self.news for c in made.commands if isinstance(c, kind)]

    def every(self, kind: type[C]) -> list[C]:
        """Commands of a kind from the start on."""
        return [c for made in self.made for c in made.commands if isinstance(c, kind)]

    # --- inside -----------------------------------------------------------------------------

    def _move_to(self, when: datetime) -> Scenario:
        self._no_refusal()
        assert when >= self.now or self._state is None
        met: list[Made] = []
        while self._state is not None:
            due = next_deadline(self.definition, self._state)
            if due is None or due > when:
                break
            self.now = max(due, self.now)
            self._transit(None)
            met.extend(self.news)
        self.now = when
        self.news = tuple(met)
        return self

    def _transit(self, event: Event | None, onto: Definition | None = None) -> Scenario:
        self._no_refusal()
        result = transit(self.definition, self._state, event, self.now, onto)
        self.definition = result.definition
        self._state = result.state
        self.news = result.made
        self.made.extend(result.made)
        self.refusal = result.refusal
        return self

    def _no_refusal(self) -> None:
        if self.refusal is not None:
            raise AssertionError(
                f"The last act was refused: {self.refusal.code}: {self.refusal.message}"
            )


def _parts(tell: tuple[Recipient, ...]) -> list[str]:
    return [r.role.value if r.role else r.kind.value for r in tell]
