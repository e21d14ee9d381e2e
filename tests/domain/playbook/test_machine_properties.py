"""Whatever happens, in whatever order, by whomever and after however long: the laws hold.

`HYPOTHESIS_PROFILE=long` runs many more examples than a change needs.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.errors import Invalid
from domain.playbook import events as e
from domain.playbook.codec import (
    command_from_json,
    command_to_json,
    event_from_json,
    event_to_json,
    state_from_json,
    state_to_json,
)
from domain.playbook.commands import Breached, Ended, Escalate, Remind, StepOpened
from domain.playbook.deadlines import deadlines
from domain.playbook.definition import Definition
from domain.playbook.draft import phase_of, step_of
from domain.playbook.events import Event
from domain.playbook.machine import Made, Transit, advance, transit
from domain.playbook.state import CLOSED, ExecutionStatus, State, StepState, StepStatus
from playbooks.library import shipped
from tests.domain.playbook.definitions import utc
from tests.domain.playbook.generated import (
    actors,
    bodies,
    calendars,
    completion,
    definitions,
    starts,
    worker_of,
)

EXAMPLES = {"ci": 60, "long": 4000}[os.environ.get("HYPOTHESIS_PROFILE", "ci")]
BOUNDS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)

spans = st.one_of(
    st.just(timedelta(0)),
    st.integers(1, 180).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(1, 96).map(lambda hours: timedelta(hours=hours)),
    st.integers(1, 14).map(lambda days: timedelta(days=days)),
    st.integers(1, 120).map(lambda days: timedelta(days=days)),
    st.integers(1, 10_000).map(lambda seconds: timedelta(seconds=seconds, microseconds=7)),
)


class Life(RuleBasedStateMachine):
    """One execution, and everything it ever made."""

    definition: Definition
    state: State

    def begin(self, definition: Definition, data: st.DataObject) -> None:
        self.definition = definition
        self.now = utc("2026-03-02 09:00")
        self.made: list[Made] = []
        self.count = 0
        started = data.draw(starts(definition, data.draw(calendars)))
        first = transit(definition, None, Event("start", started), self.now)
        self.state = first.state
        self._check_numbers(first.made, -1)
        self.made.extend(first.made)
        self._check_each(None, first.made)

    # --- rules ------------------------------------------------------------------------------

    @rule(data=st.data(), times=st.integers(1, 6), by_anyone=st.booleans())
    def things_happen(self, data: st.DataObject, times: int, by_anyone: bool) -> None:
        for _ in range(times):
            self.now += data.draw(spans)
            body = data.draw(bodies(self.definition, self.state, self.now))
            self._apply(body, data.draw(actors) if by_anyone else worker_of(body))

    @rule(data=st.data(), span=spans)
    def work_goes_on(self, data: st.DataObject, span: timedelta) -> None:
        """Somebody completes what is open, so that runs get past their first steps."""
        self.now += span
        for step in self.state.steps:
            if step.status is StepStatus.open:
                form = step_of(self.definition, step.key)
                self._apply(completion(form, step.occurrence), data.draw(actors))
                return

    @rule(data=st.data())
    def two_people_do_the_same_at_once(self, data: st.DataObject) -> None:
        body = data.draw(bodies(self.definition, self.state, self.now))
        self._apply(body, data.draw(actors))
        self._apply(body, data.draw(actors))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span
        self._take(None)

    @rule(span=spans)
    def the_clock_goes_back(self, span: timedelta) -> None:
        try:
            result = transit(self.definition, self.state, None, self.now - span)
        except Invalid as invalid:
            assert invalid.code == "calendar_horizon"
            return
        assert all(made.at >= self.state.last_at for made in result.made)

    @rule(data=st.data())
    def a_settled_deadline_comes_again(self, data: st.DataObject) -> None:
        settled = [m.event for m in self.made if isinstance(m.event.body, e.DeadlinePassed)]
        if not settled:
            return
        again = data.draw(st.sampled_from(settled))
        result = self._transit(again)
        if result is not None:
            assert result.refusal is not None
            assert result.refusal.code in ("not_due", "execution_ended", "execution_paused")

    @rule()
    def the_process_is_replaced(self) -> None:
        """State, events and commands survive their way through JSON."""
        self.state = state_from_json(state_to_json(self.state))
        for made in self.made[-3:]:
            assert event_from_json(event_to_json(made.event)) == made.event
            for command in made.commands:
                assert command_from_json(command_to_json(command)) == command

    @rule(data=st.data(), span=spans)
    def one_sleep_is_many_naps(self, data: st.DataObject, span: timedelta) -> None:
        """Settling at once makes what settling at any instants on the way would have made."""
        until = self.now + span
        naps = data.draw(st.lists(st.floats(0, 1), max_size=8))
        instants = sorted(self.now + span * nap for nap in naps)
        try:
            at_once = transit(self.definition, self.state, None, until)
            state = self.state
            made: list[Made] = []
            for instant in [*instants, until]:
                step_by_step = transit(self.definition, state, None, instant)
                state = step_by_step.state
                made.extend(step_by_step.made)
        except Invalid as invalid:
            assert invalid.code == "calendar_horizon"
            return
        assert state == at_once.state
        assert [(m.number, m.event, m.at, m.state) for m in made] == [
            (m.number, m.event, m.at, m.state) for m in at_once.made
        ]

    # --- invariants -------------------------------------------------------------------------

    @invariant()
    def nothing_more_is_due(self) -> None:
        if not hasattr(self, "state"):
            return
        due = deadlines(self.definition, self.state)
        assert all(deadline.at > self.state.last_at for deadline in due)
        assert due == sorted(due, key=lambda d: (d.at, d.rank, d.key))
        assert len({deadline.event_id for deadline in due}) == len(due)

    @invariant()
    def the_end_is_the_end(self) -> None:
        if not hasattr(self, "state"):
            return
        ends = [c for m in self.made for c in m.commands if isinstance(c, Ended)]
        if self.state.status is not ExecutionStatus.ended:
            assert ends == []
            return
        assert len(ends) == 1
        assert (self.state.outcome, self.state.outcome_code) == (ends[0].outcome, ends[0].code)
        assert deadlines(self.definition, self.state) == []
        assert all(step.status in CLOSED for step in self.state.steps)

    def teardown(self) -> None:
        if not hasattr(self, "state"):
            return
        self._rederive()
        event(f"status {self.state.status.value}, {len(self.made) // 10}0+ transitions")

    def _rederive(self) -> None:
        """The recorded events at their instants give the same states, whoever computes them."""
        state: State | None = None
        for made in self.made:
            state, _ = advance(self.definition, state, made.event, made.at)
            assert state == made.state
        assert state == self.state

    # --- inside -----------------------------------------------------------------------------

    def _apply(self, body: e.Body, actor: e.Actor) -> None:
        self.count += 1
        self._take(Event(f"event:{self.count}", body, actor))

    def _transit(self, happening: Event | None) -> Transit | None:
        """Raises nothing but that the calendar ends; the same call gives the same again."""
        try:
            result = transit(self.definition, self.state, happening, self.now)
        except Invalid as invalid:
            assert invalid.code == "calendar_horizon"
            return None
        assert transit(self.definition, self.state, happening, self.now) == result or (
            result.refusal is not None
        )
        return result

    def _take(self, happening: Event | None) -> None:
        result = self._transit(happening)
        if result is None:
            return
        if result.refusal is not None:
            event(f"refused {result.refusal.code}")
            assert result.state == transit(self.definition, self.state, None, self.now).state
        self._check_numbers(result.made, self.state.number)
        self._check_each(self.state, result.made)
        self.made.extend(result.made)
        self.state = result.state
        self._check_ids()

    def _check_numbers(self, made: tuple[Made, ...], last: int) -> None:
        assert [m.number for m in made] == list(range(last + 1, last + 1 + len(made)))
        assert all(m.number == m.state.number and m.at == m.state.last_at for m in made)

    def _check_ids(self) -> None:
        settled = Counter(m.event.id for m in self.made)
        assert [key for key, times in settled.items() if times > 1] == []

    def _check_each(self, before: State | None, made: tuple[Made, ...]) -> None:
        for transition in made:
            if before is not None:
                assert transition.at >= before.last_at
                _check_pause(before, transition)
            _check_steps(self.definition, before, transition)
            _check_commands(before, transition)
            before = transition.state


def _known(state: State | None) -> dict[tuple[str, int], StepState]:
    return {(s.key, s.occurrence): s for s in state.steps} if state else {}


def _check_pause(before: State, made: Made) -> None:
    paused = ExecutionStatus.paused
    if before.status is paused and made.state.status is paused:
        kinds = {command.kind for command in made.commands}
        assert kinds <= {"step_closed", "tell"}, kinds
        delivered = isinstance(made.event.body, e.DeliveryEnded)
        assert delivered or not kinds


def _check_steps(definition: Definition, before: State | None, made: Made) -> None:
    known, now = _known(before), _known(made.state)
    assert set(known) <= set(now)
    for ref, step in now.items():
        old = known.get(ref)
        if old is not None and old.status in CLOSED and step.status not in CLOSED:
            assert _reopens(made.event.body, step), f"{ref} opened again by itself"
        if old is None or (old.status is StepStatus.scheduled and step.status is not old.status):
            _check_needs(definition, made.state, step)
        if step.due_at is not None and step.opened_at is not None:
            assert step.due_at >= step.opened_at
        if step.breached_at is not None and (old is None or old.breached_at is None):
            assert old is None or step.breached_at == old.due_at
        assert step.acknowledged_level <= step.levels_fired


def _reopens(body: e.Body, step: StepState) -> bool:
    if isinstance(body, e.Reopened):
        return (body.step, body.occurrence) == (step.key, step.occurrence)
    expiry = f"waiver-expiry:{step.key}#{step.occurrence}"
    return isinstance(body, e.DeadlinePassed) and body.key == expiry


def _check_needs(definition: Definition, state: State, step: StepState) -> None:
    rules = step_of(definition, step.key)
    if step.status is StepStatus.withdrawn or step.occurrence > 1:
        return
    phase = phase_of(definition, step.key).key
    assert next(p for p in state.phases if p.key == phase).started
    for need in rules.after:
        needed = [s for s in state.steps if s.key == need]
        assert needed and all(s.status in CLOSED for s in needed), f"{step.key} before {need}"


def _check_commands(before: State | None, made: Made) -> None:
    known, now = _known(before), _known(made.state)
    for command in made.commands:
        match command:
            case Breached():
                old = known[command.step, command.occurrence]
                assert old.breached_at is None
                assert command.due_at == old.due_at
                assert before is not None
                assert made.at == max(command.due_at, before.last_at)
            case Escalate():
                old = known[command.step, command.occurrence]
                assert old.breached_at is not None
                assert command.level == old.levels_fired + 1
            case Remind():
                step = now[command.step, command.occurrence]
                assert step.opened_at is not None and step.opened_at < made.at <= command.due_at
            case StepOpened():
                assert command.due_at is None or command.due_at >= made.at
            case _:
                pass


class GeneratedLife(Life):
    @initialize(definition=definitions(), data=st.data())
    def starts(self, definition: Definition, data: st.DataObject) -> None:
        self.begin(definition, data)


class ShippedLife(Life):
    @initialize(key=st.sampled_from(sorted(shipped())), data=st.data())
    def starts(self, key: str, data: st.DataObject) -> None:
        self.begin(shipped()[key].definition, data)


TestGeneratedLife = GeneratedLife.TestCase
TestGeneratedLife.settings = BOUNDS
TestShippedLife = ShippedLife.TestCase
TestShippedLife.settings = BOUNDS
