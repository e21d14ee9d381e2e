"""What people do to steps: one small function per event kind.

Each checks that the state and the actor allow it, or refuses with a stable code; nothing is
half changed, since a refusal throws the draft away.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from domain.calendars import add
from domain.errors import Refused
from domain.playbook.commands import HandedOver, Tell
from domain.playbook.definition import Recipient, RecipientKind, Step, StepKind
from domain.playbook.draft import Draft, ladder_of
from domain.playbook.events import (
    Acknowledged,
    HandOffDecided,
    Reassigned,
    Reopened,
    Snoozed,
    StepCompleted,
    StepSkipped,
    WaitingEnded,
    WaitingStarted,
    WaiverDecided,
    WaiverRequested,
)
from domain.playbook.evidence import check_evidence
from domain.playbook.rights import (
    WAIVER_APPROVER,
    require_approver,
    require_receiver,
    require_told,
    require_worker,
)
from domain.playbook.state import CLOSED, StepState, StepStatus, Waiting, Waiver
from domain.playbook.times import due_again, reminders_behind
from domain.playbook.unfolding import close_step, first_owner, offer, survey_closes_at

FOR_PEOPLE = frozenset(
    {StepKind.task, StepKind.approval, StepKind.hand_off, StepKind.survey, StepKind.branch}
)
ASSIGNEE = (Recipient(RecipientKind.assignee),)


def complete(draft: Draft, event: StepCompleted) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    _require_for_people(step)
    require_worker(draft, state)
    if event.occurred_at is not None and event.occurred_at > draft.at:
        raise _refused("occurred_in_future", step, "Say when it happened, not when it will.")
    evidence = {**state.evidence, **(event.evidence or {})}
    answers = check_evidence(step, event, state.answers, state.evidence)
    state = end_waiting(draft, state)
    state = draft.change(
        state,
        choice=event.choice,
        answers=answers,
        evidence=evidence,
        occurred_at=event.occurred_at,
    )
    if step.kind is StepKind.hand_off:
        offer(draft, step, state)
    else:
        close_in_time(draft, state)


def close_in_time(draft: Draft, state: StepState) -> None:
    """Complete, and judge the SLA by when the work was done (law 11).

    A call on Friday that is logged on Monday was in time: the breach is taken back, and the step
    is shown as logged late.
    """
    done_at = state.occurred_at or draft.at
    late = state.due_at is not None and done_at > state.due_at
    logged_late = not late and state.due_at is not None and draft.at > state.due_at
    if not late:
        state = draft.change(state, breached_at=None)
    close_step(draft, state, StepStatus.completed, late=late, logged_late=logged_late)


def skip(draft: Draft, event: StepSkipped) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    require_worker(draft, state)
    if step.required:
        raise _refused("step_required", step, "It cannot be skipped. Ask for a waiver instead.")
    close_step(draft, end_waiting(draft, state), StepStatus.skipped)


def request_waiver(draft: Draft, event: WaiverRequested) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    _require_for_people(step)
    require_worker(draft, state)
    if state.waiver is not None and state.waiver.approved_by is None:
        raise _refused("waiver_pending", step, "A waiver has been asked for already.")
    if event.expires_at is not None and event.expires_at <= draft.at:
        raise _refused("waiver_expired", step, "Let the waiver expire in the future, or never.")
    waiver = Waiver(
        draft.actor.member or "system",
        draft.at,
        expires_at=event.expires_at,
        requested_for=draft.actor.on_behalf_of,
    )
    draft.change(state, waiver=waiver)
    approver = Recipient(RecipientKind.role, step.approver or WAIVER_APPROVER)
    draft.emit(Tell("waiver_requested", state.key, state.occurrence, (approver,), urgent=False))


def decide_waiver(draft: Draft, event: WaiverDecided) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    waiver = state.waiver
    if waiver is None or waiver.approved_by is not None:
        raise _refused("no_waiver_asked", step, "Nobody has asked for a waiver.")
    require_approver(draft, step, state)
    asking = {waiver.requested_by, waiver.requested_for} - {None}
    if asking & {draft.actor.member, draft.actor.on_behalf_of}:
        raise _refused("waiver_self_approval", step, "Another person has to decide your waiver.")
    if not event.approved:
        draft.change(state, waiver=None)
        _tell_waiver_decided(draft, state)
        return
    if waiver.expires_at is not None and waiver.expires_at <= draft.at:
        raise _refused("waiver_expired", step, "It would have ended by now. Have it asked again.")
    approved = replace(waiver, approved_by=draft.actor.member or "system")
    state = draft.change(end_waiting(draft, state), waiver=approved)
    _tell_waiver_decided(draft, state)
    close_step(draft, state, StepStatus.waived)


def _tell_waiver_decided(draft: Draft, state: StepState) -> None:
    draft.emit(Tell("waiver_decided", state.key, state.occurrence, ASSIGNEE, urgent=False))


def start_waiting(draft: Draft, event: WaitingStarted) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    _require_for_people(step)
    require_worker(draft, state)
    if state.status is not StepStatus.open:
        raise _refused("already_waiting", step, "It waits on the customer already.")
    if event.follow_up_at <= draft.at:
        raise _refused("follow_up_past", step, "Choose a follow-up date in the future.")
    limit = add(draft.at, step.waiting_limit, draft.state.calendar)
    limit -= timedelta(seconds=state.waited)
    if event.follow_up_at > limit:
        raise _refused(
            "waiting_limit",
            step,
            f"It may wait on the customer until {limit.date()} at the most.",
        )
    waiting = Waiting(draft.at, event.reason_code, event.follow_up_at)
    draft.change(state, status=StepStatus.waiting, waiting=waiting, snoozed_until=None)


def stop_waiting(draft: Draft, event: WaitingEnded) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    require_worker(draft, state)
    if state.waiting is None:
        raise _refused("not_waiting", step, "It does not wait on the customer.")
    end_waiting(draft, state)


def end_waiting(draft: Draft, state: StepState) -> StepState:
    """The net clock goes on: due (or, after a breach, the ladder) moves by the wait."""
    if state.waiting is None:
        return state
    waited = draft.at - state.waiting.since
    seconds = int(waited.total_seconds())
    met = state.breached_at is None
    return draft.change(
        state,
        status=StepStatus.open,
        waiting=None,
        waited=state.waited + seconds,
        due_at=state.due_at + waited if state.due_at and met else state.due_at,
        ladder_shift=state.ladder_shift if met else state.ladder_shift + seconds,
        generation=state.generation + 1,
    )


def snooze(draft: Draft, event: Snoozed) -> None:
    step, state = _open_step(draft, event.step, event.occurrence)
    require_worker(draft, state)
    if event.until <= draft.at:
        raise _refused("snooze_past", step, "Choose a time in the future.")
    draft.change(state, snoozed_until=event.until)


def reassign(draft: Draft, event: Reassigned) -> None:
    step, state = _open_step(draft, event.step, event.occurrence, offered=True)
    require_worker(draft, state)
    if state.assignee == event.to:
        raise _refused("already_assigned", step, "This person holds it already.")
    draft.change(state, assignee=event.to, snoozed_until=None)
    draft.emit(Tell("reassigned", state.key, state.occurrence, ASSIGNEE, urgent=False))


def reopen(draft: Draft, event: Reopened) -> None:
    step, state = draft.step(event.step, event.occurrence)
    _require_for_people(step)
    require_worker(draft, state)
    if state.status not in (StepStatus.completed, StepStatus.skipped):
        raise _refused("not_reopenable", step, "Only a completed or skipped step can be reopened.")
    reopen_step(draft, step, state)
    draft.emit(Tell("reopened", state.key, state.occurrence, ASSIGNEE, urgent=False))


def reopen_step(draft: Draft, step: Step, state: StepState) -> None:
    """Open again with a due time of its own; the first due time stays on record."""
    if step.kind is StepKind.hand_off:
        state = draft.change(state, assignee=draft.state.parameters.get("giver"))
    _work_again(draft, step, state)


def _work_again(draft: Draft, step: Step, state: StepState) -> None:
    due_at = due_again(draft, step)
    draft.change(
        state,
        status=StepStatus.open,
        owner=first_owner(step),
        closed_at=None,
        occurred_at=None,
        choice=None,
        waiver=None,
        breached_at=None,
        due_at=due_at,
        closes_at=survey_closes_at(draft, step),
        reminders_told=reminders_behind(step, due_at, draft.state.calendar, draft.at),
        levels_fired=0,
        acknowledged_level=0,
        ladder_shift=0,
        generation=state.generation + 1,
    )


def decide_hand_off(draft: Draft, event: HandOffDecided) -> None:
    step, state = _open_step(draft, event.step, event.occurrence, offered=True)
    if state.status is not StepStatus.offered or step.hand_off is None:
        raise _refused("not_offered", step, "Nothing has been handed over that could be answered.")
    require_receiver(draft, state)
    if event.accepted:
        _accept(draft, step, state)
        return
    giver = draft.state.parameters.get("giver")
    _work_again(draft, step, draft.change(state, assignee=giver))
    draft.emit(Tell("hand_off_declined", state.key, state.occurrence, ASSIGNEE, urgent=True))


def _accept(draft: Draft, step: Step, state: StepState) -> None:
    parameters = draft.state.parameters
    if step.hand_off is not None and "receiver" in parameters:
        role = type(step.hand_off.to)(parameters.get("role", step.hand_off.to))
        receiver = state.assignee or parameters["receiver"]
        draft.emit(HandedOver(role, parameters.get("giver"), receiver))
    close_in_time(draft, state)


def acknowledge(draft: Draft, event: Acknowledged) -> None:
    """Holds the levels to come back for a while; one acknowledgement for each level that fired."""
    step, state = _open_step(draft, event.step, event.occurrence, offered=True)
    ladder = ladder_of(draft.definition, step)
    if ladder is None or state.levels_fired <= state.acknowledged_level:
        raise _refused("nothing_to_acknowledge", step, "No escalation is waiting for an answer.")
    require_told(draft, state, ladder.levels[: state.levels_fired])
    hold = add(draft.at, ladder.acknowledged_for, draft.state.calendar) - draft.at
    draft.change(
        state,
        acknowledged_level=state.levels_fired,
        ladder_shift=state.ladder_shift + int(hold.total_seconds()),
        generation=state.generation + 1,
    )


def _open_step(
    draft: Draft, key: str, occurrence: int, *, offered: bool = False
) -> tuple[Step, StepState]:
    step, state = draft.step(key, occurrence)
    if state.status in CLOSED:
        raise Refused(
            f'"{step.title}" has been closed already ({state.status.value}).',
            code="step_closed",
            details={"step": key, "occurrence": occurrence, "status": state.status.value},
        )
    if state.status is StepStatus.offered and not offered:
        raise _refused("hand_off_offered", step, "It waits for the receiver to accept or decline.")
    if state.status in (StepStatus.scheduled, StepStatus.sending):
        raise _refused("step_not_open", step, "It is not open yet.")
    return step, state


def _require_for_people(step: Step) -> None:
    if step.kind not in FOR_PEOPLE or step.cases:
        raise _refused("step_not_for_people", step, "This step is done by Holdfast itself.")


def _refused(code: str, step: Step, advice: str) -> Refused:
    return Refused(f'"{step.title}": {advice}', code=code, details={"step": step.key})
