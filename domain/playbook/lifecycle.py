"""What happens to an execution as a whole: it starts, learns, pauses, resumes, ends early."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.calendars import add
from domain.errors import Refused
from domain.playbook.commands import Command, SuspendPlaybooks
from domain.playbook.commands_of_people import close_in_time, end_waiting
from domain.playbook.definition import Anchor, Definition, OutcomeKind
from domain.playbook.draft import Draft, step_of
from domain.playbook.events import (
    Actor,
    CalendarChanged,
    Cancelled,
    DeliveryEnded,
    FactArrived,
    FieldsChanged,
    Paused,
    Resumed,
    Started,
    TeamChanged,
)
from domain.playbook.evidence import satisfied_by
from domain.playbook.state import (
    ENGINE_REVISION,
    ExecutionStatus,
    PhaseState,
    State,
    StepState,
    StepStatus,
)
from domain.playbook.times import due_of, resolve
from domain.playbook.unfolding import close_step, end, unfold


def begin(
    definition: Definition, event: Started, actor: Actor, at: datetime
) -> tuple[State, list[Command]]:
    """Transition 0: the phases laid out from now, the first steps open."""
    unknown = set(event.parameters) - set(definition.parameters)
    if unknown:
        raise Refused(
            f"This playbook takes no {', '.join(sorted(unknown))}.", code="unknown_parameter"
        )
    missing = definition.concurrency_key
    if missing and missing not in event.parameters:
        raise Refused(f'Say "{missing}" when starting this playbook.', code="parameter_missing")
    phases = tuple(
        PhaseState(
            phase.key,
            add(at, phase.starts, event.calendar) if phase.starts else None,
            add(at, phase.ends, event.calendar) if phase.ends else None,
        )
        for phase in definition.phases
    )
    state = State(
        number=-1,
        status=ExecutionStatus.running,
        engine=ENGINE_REVISION,
        started_at=at,
        last_at=at,
        calendar=event.calendar,
        fields=event.fields,
        fields_version=event.fields_version,
        parameters=event.parameters,
        phases=phases,
        steps=(),
    )
    draft = Draft(definition, state, at, actor)
    if definition.suspends:
        draft.emit(SuspendPlaybooks(definition.suspends))
    unfold(draft)
    return draft.freeze(), draft.commands


def learn_fact(draft: Draft, event: FactArrived) -> None:
    """Completes the step that has waited longest for such a fact, or fills in what it knows.

    A fact from before the step opened is not its answer. While paused nothing is completed.
    """
    candidates = [
        (step, state)
        for state in draft.live()
        if state.status in (StepStatus.open, StepStatus.waiting)
        and state.opened_at is not None
        and event.occurred_at >= state.opened_at
        for step in (step_of(draft.definition, state.key),)
        if _matches(event.fact, (*step.completes_on, *step.prefills_on))
    ]
    if not candidates:
        return
    step, state = min(candidates, key=lambda c: c[1].due_at or datetime.max.replace(tzinfo=UTC))
    known = {field.key for field in step.evidence}
    answers = {
        **state.answers,
        **{key: value for key, value in (event.answers or {}).items() if key in known},
    }
    state = draft.change(state, answers=answers)
    running = draft.state.status is ExecutionStatus.running
    if running and _matches(event.fact, step.completes_on) and satisfied_by(step, answers):
        state = draft.change(end_waiting(draft, state), occurred_at=event.occurred_at)
        close_in_time(draft, state)


def _matches(fact: str, kinds: tuple[str, ...]) -> bool:
    return any(fact == kind or fact.startswith(f"{kind}.") for kind in kinds)


def learn_fields(draft: Draft, event: FieldsChanged) -> None:
    """New values of what the definition reads; older versions change nothing (law 15)."""
    if event.version <= draft.state.fields_version:
        return
    draft.set(
        fields={**draft.state.fields, **event.fields},
        fields_version=event.version,
    )
    for state in list(draft.live()):
        _follow_account_date(draft, state, set(event.fields))


def _follow_account_date(draft: Draft, state: StepState, changed: set[str]) -> None:
    """What is counted from a date of the account moves with that date."""
    step = step_of(draft.definition, state.key)
    opens, due = step.opens, step.due
    if state.status is StepStatus.scheduled:
        if opens and opens.anchor is Anchor.field and opens.ref in changed:
            at = resolve(draft, step, opens, None)
            draft.change(
                state, opens_at=max(at, draft.at) if at else None, generation=state.generation + 1
            )
        return
    if due and due.anchor is Anchor.field and due.ref in changed and state.opened_at:
        due_at = due_of(draft, step, state.opened_at)
        if due_at == state.due_at:
            return
        ahead = due_at is None or due_at > draft.at
        draft.change(
            state,
            due_at=due_at,
            breached_at=None if ahead else state.breached_at,
            levels_fired=0 if ahead else state.levels_fired,
            acknowledged_level=0 if ahead else state.acknowledged_level,
            generation=state.generation + 1,
        )


def change_team(draft: Draft, event: TeamChanged) -> None:
    """Steps named to the giver go along; those of the role are resolved anew by the shell."""
    for state in list(draft.live()):
        if state.assignee is not None and state.assignee == event.giver:
            draft.change(state, assignee=event.receiver)


def change_calendar(draft: Draft, event: CalendarChanged) -> None:
    """A new snapshot counts for what is resolved from now on; instants already set stay."""
    draft.set(calendar=event.calendar)


def end_delivery(draft: Draft, event: DeliveryEnded) -> None:
    """A step that waited for its delivery is closed by it, or asks its owner to see to it."""
    _, state = draft.step(event.step, event.occurrence)
    if state.status is not StepStatus.sending:
        return
    close_step(draft, state, StepStatus.completed if event.delivered else StepStatus.expired)


def pause(draft: Draft, event: Paused) -> None:
    if event.by in draft.state.paused_by:
        raise Refused("It is paused already.", code="already_paused")
    draft.set(
        status=ExecutionStatus.paused,
        paused_at=draft.state.paused_at or draft.at,
        paused_by=(*draft.state.paused_by, event.by),
    )


def resume(draft: Draft, event: Resumed) -> None:
    """Relative deadlines move by the pause; dates of the account do not (law 12)."""
    paused_at = draft.state.paused_at
    if event.by not in draft.state.paused_by or paused_at is None:
        raise Refused("It is not paused.", code="not_paused")
    left = tuple(by for by in draft.state.paused_by if by != event.by)
    if left:
        draft.set(paused_by=left)
        return
    pause_length = draft.at - paused_at
    draft.set(
        status=ExecutionStatus.running,
        paused_at=None,
        paused_by=(),
        paused_for=draft.state.paused_for + int(pause_length.total_seconds()),
        held_since={code: at + pause_length for code, at in draft.state.held_since.items()},
    )
    for key, phase in draft.phases.items():
        draft.phases[key] = _moved_phase(phase, pause_length, paused_at)
    for state in list(draft.live()):
        _move_step(draft, state, pause_length)


def _moved_phase(phase: PhaseState, by: timedelta, paused_at: datetime) -> PhaseState:
    starts_at, ends_at = phase.starts_at, phase.ends_at
    if starts_at is not None and not phase.started:
        starts_at += by
    if ends_at is not None and ends_at > paused_at:
        ends_at += by
    return replace(phase, starts_at=starts_at, ends_at=ends_at)


def _move_step(draft: Draft, state: StepState, by: timedelta) -> None:
    step = step_of(draft.definition, state.key)
    own_date = step.due is not None and step.due.anchor is Anchor.field
    opens_by_date = step.opens is not None and step.opens.anchor is Anchor.field
    until = step.wait.until if step.wait else None
    closes_by_date = until is not None and until.anchor is Anchor.field

    def moved(at: datetime | None, stays: bool = False) -> datetime | None:
        return at if at is None or stays else at + by

    opening = state.status is StepStatus.scheduled
    draft.change(
        state,
        opens_at=moved(state.opens_at, opens_by_date) if opening else state.opens_at,
        due_at=moved(state.due_at, own_date),
        first_due_at=moved(state.first_due_at, own_date),
        closes_at=moved(state.closes_at, closes_by_date),
        reminder_at=moved(state.reminder_at),
        waiting=replace(state.waiting, since=state.waiting.since + by) if state.waiting else None,
    )


def cancel(draft: Draft, event: Cancelled) -> None:
    end(draft, OutcomeKind.neutral, event.code)
