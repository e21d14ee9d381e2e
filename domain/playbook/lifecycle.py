"""What happens to an execution as a whole: it starts, learns, pauses, resumes, ends early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from domain.calendars import add
from domain.errors import Refused
from domain.playbook.commands import Command, SuspendPlaybooks, Tell
from domain.playbook.commands_of_people import ASSIGNEE, close_in_time, end_waiting
from domain.playbook.definition import (
    Anchor,
    Definition,
    OutcomeKind,
    Role,
    Step,
    StepKind,
    TimeSpec,
)
from domain.playbook.draft import Draft, step_of
from domain.playbook.events import (
    Actor,
    CalendarChanged,
    CancelCode,
    Cancelled,
    DeliveryEnded,
    FactArrived,
    FieldsChanged,
    Paused,
    Resumed,
    Started,
    TeamChanged,
)
from domain.playbook.evidence import learned, satisfied_by, touch_fields
from domain.playbook.state import (
    ENGINE_REVISION,
    ExecutionStatus,
    Pause,
    PhaseState,
    State,
    StepState,
    StepStatus,
)
from domain.playbook.times import due_of, reminders_behind, resolve
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
    _check_role(event)
    check_codes(definition, event.parameters)
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


def _check_role(event: Started) -> None:
    """A hand-over names by "role" what its receiver takes over."""
    role = event.parameters.get("role")
    if role is not None and role not in set(Role):
        raise Refused(
            f'"{role}" is no role. Take one of {", ".join(Role)}.', code="parameter_invalid"
        )


def check_codes(definition: Definition, parameters: dict[str, str]) -> None:
    """Refused with `parameter_invalid` where a parameter has a code that the playbook lacks."""
    for name, code in parameters.items():
        allowed = definition.allowed_codes(name)
        if allowed is not None and code not in allowed:
            raise Refused(
                f'"{code}" is no "{name}" of this playbook. Take one of {", ".join(allowed)}.',
                code="parameter_invalid",
                details={"parameter": name},
            )


def learn_fact(draft: Draft, event: FactArrived) -> None:
    """Completes the step that has waited longest for such a fact, else fills in what it knows.

    A fact from before a step opened is not its answer. A hand-off or an approval is never
    completed by a fact. While paused nothing is completed (law 12).
    """
    waiting = sorted(_waiting_for(draft, event), key=lambda each: each[1].opened_at or draft.at)
    if not waiting:
        return
    step, state = next((each for each in waiting if _completes(each[0], event)), waiting[0])
    answers = {**state.answers, **learned(step, event.answers or {})}
    evidence = dict(state.evidence)
    if _matches(event.fact, ("touch",)):
        evidence |= dict.fromkeys(touch_fields(step), event.fact_id)
    state = draft.change(state, answers=answers, evidence=evidence)
    running = draft.state.status is ExecutionStatus.running
    if running and _completes(step, event) and satisfied_by(step, answers, evidence):
        occurred_at = min(event.occurred_at, draft.at)
        state = draft.change(end_waiting(draft, state), occurred_at=occurred_at)
        close_in_time(draft, state)


def _waiting_for(draft: Draft, event: FactArrived) -> Iterator[tuple[Step, StepState]]:
    for state in draft.live():
        step = step_of(draft.definition, state.key)
        if (
            state.status in (StepStatus.open, StepStatus.waiting)
            and state.opened_at is not None
            and event.occurred_at >= state.opened_at
            and _matches(event.fact, (*step.completes_on, *step.prefills_on))
        ):
            yield step, state


def _completes(step: Step, event: FactArrived) -> bool:
    by_fact = step.kind in (StepKind.task, StepKind.survey)
    return by_fact and _matches(event.fact, step.completes_on)


def _matches(fact: str, kinds: tuple[str, ...]) -> bool:
    return any(fact == kind or fact.startswith(f"{kind}.") for kind in kinds)


def learn_fields(draft: Draft, event: FieldsChanged) -> None:
    """New values of what the definition reads; older versions change nothing (law 15)."""
    if event.version <= draft.state.fields_version:
        return
    before = draft.state.fields
    changed = {name for name, value in event.fields.items() if before.get(name) != value}
    draft.set(fields={**before, **event.fields}, fields_version=event.version)
    for state in list(draft.live()):
        _follow_account_date(draft, state, changed)


def _follow_account_date(draft: Draft, state: StepState, changed: set[str]) -> None:
    """What is counted from a date of the account moves with that date."""
    step = step_of(draft.definition, state.key)
    if state.status is StepStatus.scheduled:
        if state.occurrence == 1 and _counts_from(step.opens, changed):
            at = resolve(draft, step, step.opens, None) if step.opens else None
            opens_at = max(at, draft.at) if at else None
            draft.change(state, opens_at=opens_at, generation=state.generation + 1)
        return
    if state.status not in (StepStatus.open, StepStatus.waiting):
        return
    if _counts_from(step.due, changed):
        state = move_due(draft, step, state, state.opened_at or draft.at, draft.at)
    until = step.wait.until if step.wait else None
    if until is not None and _counts_from(until, changed):
        at = resolve(draft, step, until, state.opened_at)
        closes_at = max(at, draft.at) if at else None
        draft.change(state, closes_at=closes_at, generation=state.generation + 1)


def _counts_from(spec: TimeSpec | None, changed: set[str]) -> bool:
    return spec is not None and spec.anchor is Anchor.field and spec.ref in changed


def move_due(
    draft: Draft, step: Step, state: StepState, opening: datetime, not_before: datetime
) -> StepState:
    """Due by the new date or rule, plus what was waited; a date in the past makes it due now.

    What was missed by the old date and would be by the new one stays missed, and its ladder goes
    on.
    """
    due_at = due_of(draft, step, opening)
    if due_at is not None:
        due_at += timedelta(seconds=state.waited)
        if due_at <= not_before and state.breached_at is not None:
            return state
        due_at = max(due_at, not_before)
    if due_at == state.due_at:
        return state
    return draft.change(
        state,
        due_at=due_at,
        first_due_at=state.first_due_at or due_at,
        breached_at=None,
        reminders_told=reminders_behind(step, due_at, draft.state.calendar, draft.at),
        levels_fired=0,
        acknowledged_level=0,
        ladder_shift=0,
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
    """A step that waited for its delivery is closed by it; a failure is told to its owner."""
    _, state = draft.step(event.step, event.occurrence)
    if state.status is not StepStatus.sending:
        return
    close_step(draft, state, StepStatus.completed if event.delivered else StepStatus.expired)
    if not event.delivered:
        draft.emit(Tell("delivery_failed", state.key, state.occurrence, ASSIGNEE, urgent=True))


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
        pauses=(*draft.state.pauses, Pause(paused_at, draft.at)),
        held_since={
            code: at + (draft.at - max(at, paused_at))
            for code, at in draft.state.held_since.items()
        },
    )
    for key, phase in draft.phases.items():
        draft.phases[key] = _moved_phase(phase, pause_length, paused_at)
    for state in list(draft.live()):
        _move_step(draft, state, paused_at)


def _moved_phase(phase: PhaseState, by: timedelta, paused_at: datetime) -> PhaseState:
    starts_at, ends_at = phase.starts_at, phase.ends_at
    if starts_at is not None and not phase.started:
        starts_at += by
    if ends_at is not None and ends_at > paused_at:
        ends_at += by
    return replace(phase, starts_at=starts_at, ends_at=ends_at)


def _move_step(draft: Draft, state: StepState, paused_at: datetime) -> None:
    """Everything relative moves; what was missed before stays missed, and its ladder moves."""
    step = step_of(draft.definition, state.key)
    by = draft.at - paused_at
    until = step.wait.until if step.wait else None
    first = state.occurrence == 1

    def moved(at: datetime | None, stays: bool = False) -> datetime | None:
        return at if at is None or stays else at + by

    opening = state.status is StepStatus.scheduled
    due_stays = state.breached_at is not None or _by_date(step, state)
    first_due = state.first_due_at
    first_stays = _by_date(step, state) or (first_due is not None and first_due <= paused_at)
    lost = draft.at - max(state.due_at, paused_at) if due_stays and state.due_at else timedelta(0)
    draft.change(
        state,
        opens_at=moved(state.opens_at, not opening or (first and _is_date(step.opens))),
        due_at=moved(state.due_at, due_stays),
        first_due_at=moved(first_due, first_stays),
        ladder_shift=state.ladder_shift + max(0, int(lost.total_seconds())),
        closes_at=moved(state.closes_at, _is_date(until)),
        reminder_at=moved(state.reminder_at),
        waiting=replace(state.waiting, since=state.waiting.since + by) if state.waiting else None,
    )


def _by_date(step: Step, state: StepState) -> bool:
    """Whether its due time is a date of the account; an offered hand-off has a time of its own."""
    return _is_date(step.due) and state.status is not StepStatus.offered


def _is_date(spec: TimeSpec | None) -> bool:
    return spec is not None and spec.anchor is Anchor.field


def cancel(draft: Draft, event: Cancelled) -> None:
    if event.code not in set(CancelCode):
        raise Refused(
            f'"{event.code}" is no reason to cancel. Take one of {", ".join(CancelCode)}.',
            code="cancel_code_invalid",
        )
    end(draft, OutcomeKind.neutral, event.code)
