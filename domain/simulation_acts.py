"""Who acts in a simulation, and the event that an action of the script or of everybody makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.calendars import CalendarSnapshot, next_working_instant
from domain.errors import Invalid
from domain.playbook import events as e
from domain.playbook.commands_of_people import FOR_PEOPLE
from domain.playbook.definition import (
    CODED_EVIDENCE,
    Definition,
    EvidenceField,
    EvidenceType,
    Role,
    Step,
    StepKind,
    Value,
)
from domain.playbook.draft import step_of
from domain.playbook.rights import WAIVER_APPROVER
from domain.playbook.state import CLOSED, State, StepState, StepStatus
from domain.simulation_script import DELIVERING, Action, Do, People, Script, moment

DELIVERY_TAKES = timedelta(minutes=1)
WITHOUT_DUE_TIME = timedelta(hours=1)
LATE_BY = timedelta(days=1)
"""How long everybody takes in a simulation: our own choices."""


@dataclass(frozen=True, slots=True)
class SimulatedSubject:
    """Whom the playbook runs for: its fields, who holds which role (by name), its calendar.

    `fields_version` is that of the fields where they were read from the record.
    """

    fields: Mapping[str, Value]
    team: Mapping[Role, str]
    calendar: CalendarSnapshot
    parameters: Mapping[str, str]
    fields_version: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an action falls: the state it meets, the people of that moment, the instant."""

    definition: Definition
    state: State
    team: Mapping[Role, str]
    choices: Mapping[str, str]
    start: datetime
    at: datetime

    def moment(self, text: str) -> datetime:
        return moment(text, self.start, self.at, self.state.calendar)

    def name(self, role: Role) -> str:
        return self.team.get(role, role.value)

    def step_state(self, key: str | None, occurrence: int) -> StepState | None:
        for state in self.state.steps:
            if (state.key, state.occurrence) == (key, occurrence):
                return state
        return None

    def holder(self, state: StepState) -> str:
        return state.assignee or self.name(state.owner)


# --- what everybody does ------------------------------------------------------------------


def default_instant(
    people: People, step: Step, state: StepState, seen: datetime, calendar: CalendarSnapshot
) -> datetime | None:
    """When somebody acts on a step that came before them at `seen`; None: nobody does."""
    if state.status is StepStatus.sending:
        return seen + DELIVERY_TAKES
    if state.status not in (StepStatus.open, StepStatus.offered) or step.kind not in FOR_PEOPLE:
        return None
    if people is People.never:
        return None
    late = people is People.late
    if step.kind is StepKind.survey and state.closes_at is not None:
        return seen + (state.closes_at - seen) * (0.75 if late else 0.25)
    if state.due_at is None or (state.due_at <= seen and not late):
        return _in_hours(seen + (LATE_BY if late else WITHOUT_DUE_TIME), calendar)
    if late:
        return _in_hours(max(state.due_at, seen) + LATE_BY, calendar)
    third = seen + (state.due_at - seen) / 3
    working = _in_hours(third, calendar)
    return working if working < state.due_at else third


def _in_hours(at: datetime, calendar: CalendarSnapshot) -> datetime:
    try:
        return next_working_instant(at, calendar)
    except Invalid:  # a calendar without hours, or at its horizon
        return at


def default_event(event_id: str, scene: Scene, state: StepState) -> e.Event:
    """What everybody does with this occurrence: completes, accepts, answers, is delivered."""
    step = step_of(scene.definition, state.key)
    if state.status is StepStatus.sending:
        return e.Event(event_id, e.DeliveryEnded(state.key, True, state.occurrence))
    if step.kind is StepKind.survey and _answered_by_fact(step):
        answers, _ = _evidence(step, scene)
        fact = e.FactArrived(step.completes_on[0], event_id, scene.at, answers)
        return e.Event(event_id, fact)
    do = Do.accept if state.status is StepStatus.offered else Do.complete
    action = Action(at="", do=do, step=state.key, occurrence=state.occurrence)
    return event_of(event_id, action, scene)


def _answered_by_fact(step: Step) -> bool:
    coded = all(field.type in CODED_EVIDENCE for field in step.evidence if field.required)
    return bool(step.completes_on) and not step.choices and coded


# --- what the script does -----------------------------------------------------------------


def event_of(event_id: str, action: Action, scene: Scene) -> e.Event:
    """The event of an action, with its actor. Raises Refused `unknown_step`, Invalid
    `script_time`."""
    return e.Event(event_id, _BODIES[action.do](action, scene), _actor(action, scene))


def _actor(action: Action, scene: Scene) -> e.Actor:
    if action.by is not None:
        return e.Actor(scene.name(action.by), (action.by,))
    if action.do in (Do.fact, Do.fields, Do.team, *DELIVERING):
        return e.SYSTEM
    state = scene.step_state(action.step, action.occurrence)
    if state is None or action.step is None:
        owner = scene.definition.owner
        return e.Actor(scene.name(owner), (owner,))
    step = step_of(scene.definition, action.step)
    decides = action.do in (Do.approve, Do.reject) and step.kind is not StepKind.approval
    if decides:
        approver = step.approver or WAIVER_APPROVER
        return e.Actor(scene.name(approver), (approver,))
    return e.Actor(scene.holder(state), (state.owner,))


def _complete(action: Action, scene: Scene) -> e.Body:
    step = step_of(scene.definition, action.step or "")
    choice = action.choice or scene.choices.get(step.key)
    if choice is None and step.choices:
        choice = step.choices[0].key
    answers, rows = _evidence(step, scene)
    if action.answers is not None:
        rows = {}
        answers = {key: value for key, value in action.answers.items() if _is_coded(step, key)}
        rows = {key: str(value) for key, value in action.answers.items() if key not in answers}
    occurred = scene.moment(action.occurred) if action.occurred else None
    return e.StepCompleted(step.key, action.occurrence, choice, answers, rows, occurred)


def _approve(action: Action, scene: Scene) -> e.Body:
    step = step_of(scene.definition, action.step or "")
    if step.kind is StepKind.approval:
        return _complete(action, scene)
    return e.WaiverDecided(step.key, True, action.occurrence)


def _waive(action: Action, scene: Scene) -> e.Body:
    expires_at = scene.moment(action.until) if action.until else None
    return e.WaiverRequested(action.step or "", action.occurrence, expires_at=expires_at)


def _wait(action: Action, scene: Scene) -> e.Body:
    follow_up_at = scene.moment(action.until or "")
    reason = action.reason or "customer_asked"
    return e.WaitingStarted(action.step or "", reason, follow_up_at, action.occurrence)


def _fact(action: Action, scene: Scene) -> e.Body:
    occurred = scene.moment(action.occurred) if action.occurred else scene.at
    return e.FactArrived(action.fact or "", f"fact:{action.fact}", occurred, action.answers)


def _fields(action: Action, scene: Scene) -> e.Body:
    return e.FieldsChanged(dict(action.fields or {}), scene.state.fields_version + 1)


def _team(action: Action, scene: Scene) -> e.Body:
    role = action.role or scene.definition.owner
    return e.TeamChanged(role, scene.team.get(role), action.to or "")


_BODIES: dict[Do, Callable[[Action, Scene], e.Body]] = {
    Do.complete: _complete,
    Do.skip: lambda a, _: e.StepSkipped(a.step or "", a.occurrence),
    Do.waive: _waive,
    Do.approve: _approve,
    Do.reject: lambda a, _: e.WaiverDecided(a.step or "", False, a.occurrence),
    Do.wait: _wait,
    Do.end_wait: lambda a, _: e.WaitingEnded(a.step or "", a.occurrence),
    Do.snooze: lambda a, s: e.Snoozed(a.step or "", s.moment(a.until or ""), a.occurrence),
    Do.reassign: lambda a, _: e.Reassigned(a.step or "", a.to or "", a.occurrence),
    Do.reopen: lambda a, _: e.Reopened(a.step or "", a.occurrence),
    Do.accept: lambda a, _: e.HandOffDecided(a.step or "", True, a.occurrence),
    Do.decline: lambda a, _: e.HandOffDecided(a.step or "", False, a.occurrence),
    Do.acknowledge: lambda a, _: e.Acknowledged(a.step or "", a.occurrence),
    Do.team: _team,
    Do.pause: lambda _a, _s: e.Paused(),
    Do.resume: lambda _a, _s: e.Resumed(),
    Do.cancel: lambda a, _: e.Cancelled(a.reason or "withdrawn"),
    Do.fact: _fact,
    Do.fields: _fields,
    Do.delivered: lambda a, _: e.DeliveryEnded(a.step or "", True, a.occurrence),
    Do.undelivered: lambda a, _: e.DeliveryEnded(a.step or "", False, a.occurrence),
}


def _is_coded(step: Step, key: str) -> bool:
    return all(field.type in CODED_EVIDENCE for field in step.evidence if field.key == key)


def _evidence(step: Step, scene: Scene) -> tuple[dict[str, Value], dict[str, str]]:
    """Answers that satisfy the step's form: what the subject's fields know, else what fits."""
    answers: dict[str, Value] = {}
    rows: dict[str, str] = {}
    for field in step.evidence:
        if field.type in CODED_EVIDENCE:
            answers[field.key] = _fitting(field, scene)
        else:
            rows[field.key] = f"simulated:{field.key}"
    return answers, rows


def _fitting(field: EvidenceField, scene: Scene) -> Value:
    known = scene.state.fields.get(field.prefill or "")
    match field.type:
        case EvidenceType.number:
            low = field.minimum if field.minimum is not None else 0
            high = field.maximum if field.maximum is not None else max(low, 1)
            is_number = isinstance(known, int | float) and not isinstance(known, bool)
            return known if is_number and low <= float(known or 0) <= high else high
        case EvidenceType.choice:
            return known if known in field.choices else next(iter(field.choices), None)
        case EvidenceType.date:
            return scene.at.date().isoformat()
        case _:
            return scene.at.isoformat()


def open_occurrences(state: State, script: Script) -> list[StepState]:
    """Occurrences that are not closed, and that the script does not see to itself."""
    return [
        step for step in state.steps if step.status not in CLOSED and not _is_scripted(step, script)
    ]


def _is_scripted(step: StepState, script: Script) -> bool:
    if step.status is StepStatus.sending:
        return script.delivers(step.key, step.occurrence)
    return script.closes(step.key, step.occurrence)
