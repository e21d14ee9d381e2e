"""What a deadline does when it passes: one small function per name of `deadlines.Deadline`."""

from __future__ import annotations

from collections.abc import Callable

from domain.errors import Refused
from domain.playbook.commands import Breached, Escalate, Remind, Tell
from domain.playbook.commands_of_people import ASSIGNEE, end_waiting, reopen_step
from domain.playbook.deadlines import Deadline, deadlines, next_reminder
from domain.playbook.definition import StepKind
from domain.playbook.draft import Draft, ladder_of
from domain.playbook.events import DeadlinePassed
from domain.playbook.state import StepStatus
from domain.playbook.unfolding import begin_phase, close_step, open_step, send_survey


def pass_deadline(draft: Draft, event: DeadlinePassed) -> None:
    """Settle one deadline; refused with `not_due` where the state knows none such by now."""
    for deadline in deadlines(draft.definition, draft.state):
        if deadline.key == event.key and deadline.generation == event.generation:
            if deadline.at <= draft.at:
                HANDLERS[deadline.name](draft, deadline)
                return
            break
    raise Refused(
        "This deadline is not due, or has been settled before.",
        code="not_due",
        details={"deadline": event.key},
    )


def _phase(draft: Draft, deadline: Deadline) -> None:
    begin_phase(draft, deadline.subject, deadline.at)


def _open(draft: Draft, deadline: Deadline) -> None:
    step, state = draft.step(deadline.subject, deadline.occurrence)
    open_step(draft, step, state)


def _follow_up(draft: Draft, deadline: Deadline) -> None:
    _, state = draft.step(deadline.subject, deadline.occurrence)
    end_waiting(draft, state)
    draft.emit(Tell("follow_up", state.key, state.occurrence, ASSIGNEE, urgent=False))


def _waiver_expiry(draft: Draft, deadline: Deadline) -> None:
    step, state = draft.step(deadline.subject, deadline.occurrence)
    reopen_step(draft, step, state)
    draft.emit(Tell("waiver_expired", state.key, state.occurrence, ASSIGNEE, urgent=False))


def _close(draft: Draft, deadline: Deadline) -> None:
    step, state = draft.step(deadline.subject, deadline.occurrence)
    if step.kind is StepKind.survey:
        close_step(draft, state, StepStatus.unanswered)
    elif step.wait is not None and step.wait.condition is not None:
        close_step(draft, state, StepStatus.expired)
    else:
        close_step(draft, state, StepStatus.completed)


def _survey_reminder(draft: Draft, deadline: Deadline) -> None:
    step, state = draft.step(deadline.subject, deadline.occurrence)
    state = draft.change(state, reminder_at=None)
    send_survey(draft, step, state, ordinal=2)
    draft.emit(Tell("survey_unanswered", state.key, state.occurrence, ASSIGNEE, urgent=False))


def _remind(draft: Draft, deadline: Deadline) -> None:
    step, state = draft.step(deadline.subject, deadline.occurrence)
    reminder = next_reminder(step, draft.state, state)
    if reminder is None or state.due_at is None:
        return
    draft.change(state, reminders_told=reminder[0] + 1)
    draft.emit(Remind(state.key, state.occurrence, state.due_at))


def _breach(draft: Draft, deadline: Deadline) -> None:
    _, state = draft.step(deadline.subject, deadline.occurrence)
    draft.change(state, breached_at=deadline.at, snoozed_until=None)
    draft.emit(Breached(state.key, state.occurrence, deadline.at))


def _escalate(draft: Draft, deadline: Deadline) -> None:
    step, state = draft.step(deadline.subject, deadline.occurrence)
    ladder = ladder_of(draft.definition, step)
    if ladder is None or state.due_at is None:
        return
    level = ladder.levels[state.levels_fired]
    number = state.levels_fired + 1
    draft.emit(
        Escalate(
            state.key,
            state.occurrence,
            number,
            level.tell,
            level.takes_over,
            level.urgent,
            state.due_at,
        )
    )
    changes: dict[str, object] = {"levels_fired": number}
    if level.takes_over is not None and state.status is not StepStatus.offered:
        changes |= {"owner": level.takes_over, "assignee": None}
    draft.change(state, **changes)


def _turn(draft: Draft, deadline: Deadline) -> None:
    """Nothing by itself: exits and waits are looked at after every transition."""


def _held(draft: Draft, deadline: Deadline) -> None:
    passed = {*draft.state.held_passed, deadline.subject}
    draft.set(held_passed=tuple(sorted(passed)))


HANDLERS: dict[str, Callable[[Draft, Deadline], None]] = {
    "phase": _phase,
    "open": _open,
    "follow-up": _follow_up,
    "waiver-expiry": _waiver_expiry,
    "close": _close,
    "survey-reminder": _survey_reminder,
    "remind": _remind,
    "breach": _breach,
    "escalate": _escalate,
    "held": _held,
    "turn": _turn,
}
