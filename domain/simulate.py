"""A playbook from start to outcome under a virtual clock: the same machine, no server, no wait.

Deadlines, people and the script take their turns in the order of their instants; each turn is one
`transit`, exactly as the engine makes it. Instants are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import Invalid
from domain.playbook.commands import Command, Escalate, HandedOver, Remind, Send, StepOpened, Tell
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition, Recipient, RecipientKind, Role
from domain.playbook.draft import step_of
from domain.playbook.events import Actor, Event, Started, TeamChanged
from domain.playbook.machine import Made, transit
from domain.playbook.state import ExecutionStatus, State, StepState
from domain.simulation_acts import (
    Scene,
    SimulatedSubject,
    default_event,
    default_instant,
    event_of,
    open_occurrences,
)
from domain.simulation_script import Action, Script, moment

LIMIT = timedelta(days=366)
MOST_LINES = 20_000
"""Where a simulation stops that comes to no end by itself: our own choices."""

CONTACT = "the customer's contact"


class EndedBy(StrEnum):
    outcome = "outcome"
    at_rest = "at_rest"  # nothing falls due any more; it waits for people, for ever
    limit = "limit"  # of time or of lines


@dataclass(frozen=True, slots=True)
class Said:
    """A command, and by name to whom it goes; nobody where it is a record only."""

    command: Command
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One transition, or a refusal (`number` None, with its code and words)."""

    at: datetime
    number: int | None
    event: Event
    said: tuple[Said, ...] = ()
    late: bool = False
    refused: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    start: datetime
    lines: tuple[Line, ...]
    state: State
    ended_by: EndedBy


def simulate(
    definition: Definition,
    subject: SimulatedSubject,
    start: datetime,
    script: Script | None = None,
    limit: timedelta = LIMIT,
) -> Simulation:
    """Run it to its outcome, to rest, or to the limit.

    The same arguments always give the same lines. Raises Refused where it cannot start, Invalid
    `script_time` for a time that is none or lies before the start, `script_step_unknown`.
    """
    run = _Run(definition, subject, start, script or Script())
    while run.state.status is not ExecutionStatus.ended:
        turn = run.next_turn()
        if turn is None:
            return run.result(EndedBy.at_rest)
        if turn.at > start + limit or len(run.lines) >= MOST_LINES:
            return run.result(EndedBy.limit)
        run.take(turn)
    return run.result(EndedBy.outcome)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Something to do at an instant; without `make`, deadlines are settled."""

    at: datetime
    make: Callable[[Scene], Event] | None = None


_PlanKey = tuple[object, ...]


class _Run:
    """A simulation under way."""

    def __init__(
        self, definition: Definition, subject: SimulatedSubject, start: datetime, script: Script
    ) -> None:
        self.definition = definition
        self.start = start
        self.script = script
        self.team: dict[Role, str] = dict(subject.team)
        self.lines: list[Line] = []
        self.agenda = _agenda(definition, script, start, subject)
        self.plans: dict[_PlanKey, datetime | None] = {}
        self.acted: set[_PlanKey] = set()
        owner = Actor(self._name(definition.owner), (definition.owner,))
        started = Started(
            dict(subject.fields),
            subject.calendar,
            dict(subject.parameters),
            fields_version=subject.fields_version,
        )
        first = transit(definition, None, Event("start", started, owner), start)
        self.state = first.state
        self._note(first.made)

    def result(self, ended_by: EndedBy) -> Simulation:
        return Simulation(self.start, tuple(self.lines), self.state, ended_by)

    # --- whose turn it is -----------------------------------------------------------------

    def next_turn(self) -> _Turn | None:
        """The earliest; at one instant deadlines come first, then the script, then everybody."""
        due = next_deadline(self.definition, self.state)
        turns = [_Turn(due)] if due is not None else []
        if self.agenda:
            turns.append(self._scripted(*self.agenda[0]))
        planned = self._by_everybody()
        if planned is not None:
            turns.append(planned)
        return min(turns, key=lambda turn: turn.at, default=None)

    def _scripted(self, at: datetime, position: int, action: Action) -> _Turn:
        def make(scene: Scene) -> Event:
            self.agenda.pop(0)
            return event_of(f"script:{position}", action, scene)

        return _Turn(at, make)

    def _by_everybody(self) -> _Turn | None:
        if self.state.status is not ExecutionStatus.running:
            return None
        turns = []
        for step in open_occurrences(self.state, self.script):
            key = (step.key, step.occurrence, step.generation, step.status, step.due_at)
            if key not in self.plans:
                rules = step_of(self.definition, step.key)
                self.plans[key] = default_instant(
                    self.script.people, rules, step, self.state.last_at, self.state.calendar
                )
            at = self.plans[key]
            if at is not None and key not in self.acted:
                turns.append(self._default(max(at, self.state.last_at), key, step))
        return min(turns, key=lambda turn: turn.at, default=None)

    def _default(self, at: datetime, key: _PlanKey, step: StepState) -> _Turn:
        def make(scene: Scene) -> Event:
            self.acted.add(key)
            return default_event(f"people:{len(self.acted)}", scene, step)

        return _Turn(at, make)

    # --- taking it ------------------------------------------------------------------------

    def take(self, turn: _Turn) -> None:
        at = max(turn.at, self.state.last_at)
        if turn.make is None:
            done = transit(self.definition, self.state, None, at)
            self.state = done.state
            self._note(done.made)
            return
        event = turn.make(self._scene(at, self.state))
        done = transit(self.definition, self.state, event, at)
        self.state = done.state
        if isinstance(event.body, TeamChanged):
            self.team[event.body.role] = event.body.receiver
        self._note(done.made)
        if done.refusal is not None:
            refusal = done.refusal
            self.lines.append(Line(at, None, event, refused=refusal.code, message=refusal.message))

    def _scene(self, at: datetime, state: State) -> Scene:
        return Scene(self.definition, state, self.team, self.script.choices, self.start, at)

    def _name(self, role: Role) -> str:
        return self.team.get(role, role.value)

    def _note(self, made: tuple[Made, ...]) -> None:
        for one in made:
            scene = self._scene(one.at, one.state)
            said = tuple(Said(command, _addressees(command, scene)) for command in one.commands)
            self.lines.append(Line(one.at, one.number, one.event, said, one.late))
            for command in one.commands:
                if isinstance(command, HandedOver):
                    self.team[command.role] = command.receiver


def _agenda(
    definition: Definition, script: Script, start: datetime, subject: SimulatedSubject
) -> list[tuple[datetime, int, Action]]:
    known = [step.key for step in definition.steps()]
    agenda = []
    for position, action in enumerate(script.actions, start=1):
        if action.step is not None and action.step not in known:
            raise Invalid(
                f'Action {position} names a step "{action.step}" that {definition.key} has not; '
                f"its steps are: {', '.join(known)}.",
                code="script_step_unknown",
            )
        at = moment(action.at, start, start, subject.calendar)
        if at < start:
            raise Invalid(
                f'Action {position} at "{action.at}" lies before the start; move it after.',
                code="script_time",
            )
        agenda.append((at, position, action))
    return sorted(agenda, key=lambda entry: entry[:2])


# --- to whom ------------------------------------------------------------------------------


def _addressees(command: Command, scene: Scene) -> tuple[str, ...]:
    match command:
        case StepOpened() | Remind():
            return _names((_ASSIGNEE,), command.step, command.occurrence, scene)
        case Escalate() | Tell():
            return _names(command.tell, command.step, command.occurrence, scene)
        case Send():
            return _names(command.outgoing.tell, command.step, command.occurrence, scene)
        case _:
            return ()


_ASSIGNEE = Recipient(RecipientKind.assignee)


def _names(
    recipients: tuple[Recipient, ...], step: str | None, occurrence: int, scene: Scene
) -> tuple[str, ...]:
    """Each once, in order."""
    state = scene.step_state(step, occurrence)
    owner = scene.name(scene.definition.owner)
    holder = scene.holder(state) if state is not None else owner

    def name(recipient: Recipient) -> str:
        match recipient.kind:
            case RecipientKind.role:
                return scene.name(recipient.role or scene.definition.owner)
            case RecipientKind.assignee:
                return holder
            case RecipientKind.owner:
                return owner
            case RecipientKind.manager:
                return f"the manager of {holder}"
            case RecipientKind.contact:
                return CONTACT

    return tuple(dict.fromkeys(name(recipient) for recipient in recipients))
