"""The heart of Holdfast: one pure function that knows playbooks, SLAs, ladders, hand-offs, exits.

`advance` takes one event; `transit` settles what fell due before and then takes the event, as
every transition does (law 2). They run unchanged in the transaction that makes a transition, in
the simulator, in the backtest and in the audit check. Instants are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.errors import Invalid, Refused
from domain.playbook import commands_of_people as people
from domain.playbook import events as e
from domain.playbook import lifecycle
from domain.playbook.commands import Command, Escalate, Remind, Send, StepOpened, Tell
from domain.playbook.deadlines import deadlines, require_known_engine
from domain.playbook.definition import Definition
from domain.playbook.draft import Draft
from domain.playbook.events import (
    SYSTEM,
    CalendarChanged,
    DeadlinePassed,
    Event,
    Migrated,
    Started,
)
from domain.playbook.migration import migrate
from domain.playbook.state import CLOSED, ExecutionStatus, State
from domain.playbook.timeouts import pass_deadline
from domain.playbook.unfolding import unfold

LATE_AFTER = timedelta(minutes=1)
"""A deadline settled so long after it could have been is recorded as late (law 5's gap).

One that an event moved into the past, or that passed in a pause, could not be before that event.
"""

DEADLINES_AT_ONCE = 10_000
"""More deadlines than this in one go is a definition that wakes itself."""

HANDLERS: dict[type, Callable[[Draft, Any], None]] = {
    e.StepCompleted: people.complete,
    e.StepSkipped: people.skip,
    e.WaiverRequested: people.request_waiver,
    e.WaiverDecided: people.decide_waiver,
    e.WaitingStarted: people.start_waiting,
    e.WaitingEnded: people.stop_waiting,
    e.Snoozed: people.snooze,
    e.Reassigned: people.reassign,
    e.Reopened: people.reopen,
    e.HandOffDecided: people.decide_hand_off,
    e.Acknowledged: people.acknowledge,
    e.FactArrived: lifecycle.learn_fact,
    e.FieldsChanged: lifecycle.learn_fields,
    e.TeamChanged: lifecycle.change_team,
    e.CalendarChanged: lifecycle.change_calendar,
    e.DeliveryEnded: lifecycle.end_delivery,
    e.Paused: lifecycle.pause,
    e.Resumed: lifecycle.resume,
    e.Cancelled: lifecycle.cancel,
    e.Migrated: migrate,
    e.DeadlinePassed: pass_deadline,
}

WHILE_PAUSED = frozenset(
    {
        e.Paused,
        e.Resumed,
        e.Cancelled,
        e.Migrated,
        e.FactArrived,
        e.FieldsChanged,
        e.TeamChanged,
        e.CalendarChanged,
        e.DeliveryEnded,
    }
)
"""Everything else is refused with `execution_paused` (law 12)."""


@dataclass(frozen=True, slots=True)
class Made:
    """One transition as it came about. `at` is the instant it counts for, `late` that it was
    settled more than a minute after it was due."""

    number: int
    event: Event
    at: datetime
    late: bool
    commands: tuple[Command, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Transit:
    """What one transaction does: the deadlines it settled, its event, or why that was refused.

    `definition` is the one that counts from now on: another one after a migration.
    """

    state: State
    made: tuple[Made, ...]
    definition: Definition
    refusal: Refused | None = None


def advance(
    definition: Definition,
    state: State | None,
    event: Event,
    now: datetime,
    onto: Definition | None = None,
) -> tuple[State, tuple[Command, ...]]:
    """The next state and what it causes. Raises `Refused`; then nothing has changed.

    `now` is never before the state's last instant: an earlier one counts as that instant (law 3).
    Deadlines are not looked at; `transit` settles them first. `onto` is the definition that a
    migration moves to, and is the one to hand in for everything after it.
    """
    if state is None:
        if not isinstance(event.body, Started):
            raise Refused("The execution has not started.", code="not_started")
        started, commands = lifecycle.begin(definition, event.body, event.actor, now)
        return started, tuple(commands)
    _check_alive(state, event)
    draft = Draft(definition, state, max(now, state.last_at), event.actor, onto)
    HANDLERS[type(event.body)](draft, event.body)
    unfold(draft)
    return draft.freeze(), tuple(draft.commands)


def _check_alive(state: State, event: Event) -> None:
    require_known_engine(state)
    if isinstance(event.body, Started):
        raise Refused("The execution has started already.", code="already_started")
    if state.status is ExecutionStatus.ended:
        raise Refused(
            "This execution has ended; nothing can be changed any more.", code="execution_ended"
        )
    if state.status is ExecutionStatus.paused and type(event.body) not in WHILE_PAUSED:
        raise Refused("This execution is paused. Resume it first.", code="execution_paused")


def transit(
    definition: Definition,
    state: State | None,
    event: Event | None,
    now: datetime,
    onto: Definition | None = None,
) -> Transit:
    """Settle every deadline up to `now` in order, then apply the event, if there is one.

    What was due before a migration is settled by the old definition, what is due by the new one,
    `onto`, right after it.
    A new calendar comes first where the old one does not reach: nothing can be settled without.
    """
    made: list[Made] = []
    if state is not None:
        now = max(now, state.last_at)
        try:
            state = _settle(definition, state, now, made)
        except Invalid as invalid:
            renewal = event is not None and isinstance(event.body, CalendarChanged)
            if invalid.code != "calendar_horizon" or not renewal:
                raise
            made.clear()
    refusal: Refused | None = None
    if event is not None:
        try:
            state, commands = advance(definition, state, event, now, onto)
            made.append(Made(state.number, event, now, False, commands, state))
            if onto is not None and isinstance(event.body, Migrated):
                definition = onto
            state = _settle(definition, state, now, made)
        except Refused as refused:
            refusal = refused
            if state is None:
                raise
    if state is None:
        raise Refused("The execution has not started.", code="not_started")
    return Transit(state, _without_pointless(tuple(made), state, now), definition, refusal)


def _settle(definition: Definition, state: State, now: datetime, made: list[Made]) -> State:
    for _ in range(DEADLINES_AT_ONCE):
        due = deadlines(definition, state)
        if not due or due[0].at > now:
            return state
        first = due[0]
        at = max(first.at, state.last_at)
        event = Event(first.event_id, DeadlinePassed(first.key, first.generation), SYSTEM)
        state, commands = advance(definition, state, event, at)
        late = now - at > LATE_AFTER
        made.append(Made(state.number, event, at, late, commands, state))
    raise Invalid("The playbook never comes to rest: its deadlines wake each other.", code="loop")


def _without_pointless(made: tuple[Made, ...], state: State, now: datetime) -> tuple[Made, ...]:
    """Leave out notices that the same transaction made pointless (law 2).

    A reminder told after due is none; a step that is closed by now is neither announced nor are
    its customers asked; its escalation stays on record and is told to nobody.
    """
    if len(made) < 2 and not (made and made[0].late):
        return made
    closed = {(s.key, s.occurrence) for s in state.steps if s.status in CLOSED}

    def kept(command: Command) -> Command | None:
        match command:
            case Remind() if (command.step, command.occurrence) in closed or command.due_at <= now:
                return None
            case StepOpened() if (command.step, command.occurrence) in closed:
                return None
            case Send(channel="survey") if (command.step, command.occurrence) in closed:
                return None
            case Escalate() if (command.step, command.occurrence) in closed:
                return replace(command, tell=())
            case Tell(step=str() as step) if (step, command.occurrence) in closed and (
                command.code in ("follow_up", "hand_off_offered", "survey_unanswered")
            ):
                return None
        return command

    return tuple(
        replace(m, commands=tuple(c for c in map(kept, m.commands) if c is not None)) for m in made
    )
