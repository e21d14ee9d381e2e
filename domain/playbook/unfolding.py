"""What follows by itself from a change: phases begin, steps come up, exits close the execution.

Run after every event until nothing more follows. Instants are those of the draft.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.calendars import add
from domain.errors import Invalid
from domain.playbook.commands import (
    Ended,
    ResumePlaybooks,
    Send,
    StepClosed,
    StepOpened,
    Tell,
)
from domain.playbook.definition import (
    Exit,
    OutcomeKind,
    Outgoing,
    Phase,
    Recipient,
    RecipientKind,
    Role,
    Step,
    StepKind,
)
from domain.playbook.draft import Draft, phase_of, step_of
from domain.playbook.state import ExecutionStatus, StepState, StepStatus
from domain.playbook.times import due_of, resolve

ROUNDS = 1000
"""No playbook unfolds in more rounds than it has steps; more is a circle the checker missed."""


def unfold(draft: Draft) -> None:
    """Bring the draft to rest, or to its outcome.

    While paused nothing follows (law 12), but "held for" still resets: it is state.
    """
    if draft.state.status is ExecutionStatus.paused:
        _note_held_exits(draft)
    if draft.state.status is not ExecutionStatus.running:
        return
    for _ in range(ROUNDS):
        if not any(follow(draft) for follow in FOLLOWING):
            break
    else:
        raise Invalid("The playbook never comes to rest: its steps wake each other.", code="loop")
    _note_held_exits(draft)
    _leave_by_exit(draft)


# --- phases -------------------------------------------------------------------------------


def _begin_phases(draft: Draft) -> bool:
    before: Phase | None = None
    for phase in draft.definition.phases:
        state = draft.phases[phase.key]
        if not state.started:
            follows = before is None or _phase_closed(draft, before)
            begins_now = state.starts_at <= draft.at if state.starts_at else follows
            if begins_now:
                begin_phase(draft, phase.key, state.starts_at or draft.at)
                return True
        before = phase
    return False


def begin_phase(draft: Draft, key: str, at: datetime) -> None:
    """Mark a phase as begun at its own instant."""
    draft.phases[key] = replace(draft.phases[key], started=True, starts_at=at)


def _phase_closed(draft: Draft, phase: Phase) -> bool:
    return draft.phases[phase.key].started and all(draft.is_closed(s.key) for s in phase.steps)


# --- steps --------------------------------------------------------------------------------


def _bring_up_steps(draft: Draft) -> bool:
    for phase in draft.definition.phases:
        if not draft.phases[phase.key].started:
            continue
        for step in phase.steps:
            if draft.occurrences(step.key) or not all(draft.is_closed(k) for k in step.after):
                continue
            opens_at = resolve(draft, step, step.opens, None) if step.opens else draft.at
            if opens_at is None:
                continue  # its date is not known yet; a change of fields looks again
            schedule_step(draft, step, 1, opens_at)
            return True
    return False


def schedule_step(draft: Draft, step: Step, occurrence: int, opens_at: datetime) -> None:
    """Put an occurrence into the state; it opens at once where its time has come."""
    state = draft.come_up(step, occurrence, opens_at)
    if opens_at <= draft.at:
        open_step(draft, step, state)


def open_step(draft: Draft, step: Step, state: StepState) -> None:
    """The step's time has come: people are asked, or the engine does it at once."""
    schedule_next(draft, step, state.occurrence, draft.at)
    if not draft.holds(step.when):
        close_step(draft, state, StepStatus.not_needed)
        return
    state = draft.change(state, status=StepStatus.open, opened_at=draft.at, owner=first_owner(step))
    match step.kind:
        case StepKind.task | StepKind.approval:
            _ask(draft, step, state)
        case StepKind.branch:
            if step.cases:
                _decide_by_data(draft, step, state)
            else:
                _ask(draft, step, state)
        case StepKind.hand_off:
            _open_hand_off(draft, step, state)
        case StepKind.survey:
            _open_survey(draft, step, state)
        case StepKind.wait:
            _open_wait(draft, step, state)
        case StepKind.notify | StepKind.webhook | StepKind.crm_update:
            _send(draft, step, state)
        case StepKind.mail | StepKind.start_playbook:
            raise Invalid(
                f'Step "{step.title}" is of a kind that cannot run yet.', code="not_supported_yet"
            )


def first_owner(step: Step) -> Role:
    """Whose work it is before a ladder or a hand-off moves it: an approval is its approver's."""
    return step.approver if step.kind is StepKind.approval and step.approver else step.owner


def schedule_next(
    draft: Draft, step: Step, occurrence: int, opening: datetime, not_before: datetime | None = None
) -> None:
    """Put the occurrence after the one that opened then, where the step repeats that far."""
    repeat = step.repeat
    if repeat is None or (repeat.times is not None and occurrence >= repeat.times):
        return
    opens_at = add(opening, repeat.every, draft.state.calendar)
    opens_at = max(opens_at, not_before or opens_at)
    if repeat.until_phase_end:
        ends_at = draft.phases[phase_of(draft.definition, step.key).key].ends_at
        if ends_at is not None and opens_at >= ends_at:
            return
    draft.come_up(step, occurrence + 1, opens_at)


def _ask(draft: Draft, step: Step, state: StepState) -> None:
    due_at = due_of(draft, step, draft.at)
    state = draft.change(state, due_at=due_at, first_due_at=due_at)
    draft.emit(StepOpened(state.key, state.occurrence, due_at, state.owner, step.urgent))


def _decide_by_data(draft: Draft, step: Step, state: StepState) -> None:
    choice = next((case.choice for case in step.cases if draft.holds(case.when)), None)
    close_step(draft, draft.change(state, choice=choice), StepStatus.completed)


def _open_hand_off(draft: Draft, step: Step, state: StepState) -> None:
    """Where the start names a receiver, the start itself is the offer."""
    if "receiver" in draft.state.parameters:
        offer(draft, step, state)
    else:
        _ask(draft, step, state)


def offer(draft: Draft, step: Step, state: StepState) -> None:
    """Put a hand-off before its receiver, who has a time of their own to answer.

    The giver's part is over: neither its breach nor when it was done counts for the answer.
    """
    if step.hand_off is None:
        raise Invalid(f'Hand-off "{step.key}" names no receiver.', code="definition_broken")
    due_at = add(draft.at, step.hand_off.accept_within, draft.state.calendar)
    receiver = draft.state.parameters.get("receiver")
    state = draft.change(
        state,
        status=StepStatus.offered,
        owner=step.hand_off.to,
        assignee=receiver,
        occurred_at=None,
        due_at=due_at,
        first_due_at=due_at,
        breached_at=None,
        levels_fired=0,
        acknowledged_level=0,
        ladder_shift=0,
        snoozed_until=None,
        generation=state.generation + 1,
    )
    told = Recipient(RecipientKind.assignee)
    draft.emit(Tell("hand_off_offered", state.key, state.occurrence, (told,), urgent=False))


def _open_survey(draft: Draft, step: Step, state: StepState) -> None:
    survey = step.survey
    if survey is None:
        raise Invalid(f'Survey "{step.key}" says nothing to ask.', code="definition_broken")
    reminder = survey.reminder_after
    draft.change(
        state,
        closes_at=survey_closes_at(draft, step),
        reminder_at=add(draft.at, reminder, draft.state.calendar) if reminder else None,
    )
    send_survey(draft, step, state, ordinal=1)


def survey_closes_at(draft: Draft, step: Step) -> datetime | None:
    """When a survey that is asked now closes; None for other steps."""
    if step.survey is None:
        return None
    return add(draft.at, step.survey.closes_after, draft.state.calendar)


def send_survey(draft: Draft, step: Step, state: StepState, ordinal: int) -> None:
    """Ask the customer contact; the second time is the reminder."""
    survey = step.survey
    outgoing = Outgoing(
        event=f"survey.{survey.kind if survey else 'nps'}",
        tell=(Recipient(RecipientKind.contact),),
    )
    draft.emit(Send(state.key, state.occurrence, "survey", outgoing, ordinal))


def _open_wait(draft: Draft, step: Step, state: StepState) -> None:
    closes_at = wait_closes_at(draft, step, draft.at)
    draft.change(state, closes_at=max(closes_at, draft.at) if closes_at else None)


def wait_closes_at(draft: Draft, step: Step, opening: datetime) -> datetime | None:
    """When a wait that opened then ends by itself; None where only its condition ends it."""
    wait = step.wait
    if wait is None:
        raise Invalid(f'Wait "{step.key}" says not for what.', code="definition_broken")
    calendar = draft.state.calendar
    if wait.condition is not None:
        return add(opening, wait.at_most, calendar) if wait.at_most else None
    if wait.duration is not None:
        return add(opening, wait.duration, calendar)
    return resolve(draft, step, wait.until, opening) if wait.until else opening


def _learn_times(draft: Draft) -> bool:
    """Due times and ends of waits whose anchor was not known at the opening, and now is."""
    for state in draft.live():
        step = step_of(draft.definition, state.key)
        if state.status not in (StepStatus.open, StepStatus.waiting):
            continue
        if step.due is not None and state.due_at is None and step.kind in WITH_DUE:
            due_at = due_of(draft, step, draft.at)
            if due_at is not None:
                draft.change(state, due_at=due_at, first_due_at=state.first_due_at or due_at)
                return True
        if step.wait is not None and step.wait.until is not None and state.closes_at is None:
            closes_at = resolve(draft, step, step.wait.until, state.opened_at)
            if closes_at is not None:
                draft.change(state, closes_at=max(closes_at, draft.at))
                return True
    return False


def _end_waits(draft: Draft) -> bool:
    for state in draft.live():
        wait = step_of(draft.definition, state.key).wait
        if state.status is not StepStatus.open or wait is None or wait.condition is None:
            continue
        if draft.holds(wait.condition):
            close_step(draft, state, StepStatus.completed)
            return True
    return False


FOLLOWING = (_begin_phases, _bring_up_steps, _learn_times, _end_waits)
WITH_DUE = frozenset({StepKind.task, StepKind.approval, StepKind.branch, StepKind.hand_off})
CHANNEL_OF_KIND = {
    StepKind.notify: "notify",
    StepKind.webhook: "webhook",
    StepKind.crm_update: "crm",
}


def _send(draft: Draft, step: Step, state: StepState) -> None:
    outgoing = step.outgoing
    if outgoing is None:
        raise Invalid(f'Step "{step.key}" says nothing to send.', code="definition_broken")
    draft.emit(Send(state.key, state.occurrence, CHANNEL_OF_KIND[step.kind], outgoing))
    if outgoing.waits_for_result:
        draft.change(state, status=StepStatus.sending)
    else:
        close_step(draft, state, StepStatus.completed)


def close_step(
    draft: Draft,
    state: StepState,
    status: StepStatus,
    *,
    late: bool = False,
    logged_late: bool = False,
) -> StepState:
    """Close an occurrence at the draft's instant; its deadlines are gone with it."""
    closed = draft.change(
        state,
        status=status,
        closed_at=draft.at,
        waiting=None,
        snoozed_until=None,
        closes_at=None,
        reminder_at=None,
    )
    draft.emit(
        StepClosed(state.key, state.occurrence, status.value, late=late, logged_late=logged_late)
    )
    return closed


# --- exits --------------------------------------------------------------------------------


def _note_held_exits(draft: Draft) -> None:
    """ "Held for" starts when the condition turns true, and resets on false or no data (law 15)."""
    since = dict(draft.state.held_since)
    passed = set(draft.state.held_passed)
    for rule in draft.definition.exits:
        if rule.held_for is None:
            continue
        if draft.holds(rule.when):
            since.setdefault(rule.code, draft.at)
        else:
            since.pop(rule.code, None)
            passed.discard(rule.code)
    draft.set(held_since=since, held_passed=tuple(sorted(passed)))


def _leave_by_exit(draft: Draft) -> None:
    for rule in draft.definition.exits:
        if _fires(draft, rule):
            end(draft, rule.outcome, rule.code)
            return
    if any(_is_coming(draft, rule) for rule in draft.definition.exits):
        return
    if all(_phase_closed(draft, phase) for phase in draft.definition.phases):
        end(draft, OutcomeKind.neutral, "steps_done")


def _is_coming(draft: Draft, rule: Exit) -> bool:
    """All but "held for" holds: its time will pass, so the last step does not end it before."""
    return rule.code in draft.state.held_since and _holds_by_now(draft, rule)


def _fires(draft: Draft, rule: Exit) -> bool:
    if rule.held_for is not None and rule.code not in draft.state.held_passed:
        return False
    return _holds_by_now(draft, rule)


def _holds_by_now(draft: Draft, rule: Exit) -> bool:
    if not all(draft.is_closed(key) for key in rule.after):
        return False
    if rule.required_done and not required_done(draft):
        return False
    return draft.holds(rule.when)


def required_done(draft: Draft) -> bool:
    """Every required step has been done, waived by somebody, or was not needed."""
    done = {StepStatus.completed, StepStatus.waived, StepStatus.not_needed}
    for step in draft.definition.steps():
        if not step.required:
            continue
        occurrences = draft.occurrences(step.key)
        if not occurrences or any(s.status not in done for s in occurrences):
            return False
    return True


def end(draft: Draft, outcome: OutcomeKind, code: str) -> None:
    """Close the execution: open work is withdrawn, what it suspended goes on."""
    for state in draft.live():
        if state.status is StepStatus.scheduled:
            draft.change(state, status=StepStatus.withdrawn, closed_at=draft.at)
        else:
            close_step(draft, state, StepStatus.withdrawn)
    draft.set(
        status=ExecutionStatus.ended,
        outcome=outcome,
        outcome_code=code,
        ended_at=draft.at,
        paused_at=None,
        paused_by=(),
        held_since={},
        held_passed=(),
    )
    if draft.definition.suspends:
        draft.emit(ResumePlaybooks(draft.definition.suspends))
    draft.emit(Ended(outcome, code))
