"""The move of a running execution to another version of its playbook (law 6).

Phases and steps are matched by key. What has begun goes on under the new rules, what they lack is
withdrawn, and what is new comes up by itself afterwards. An instant moves only where its rule
did, and never into the past. Instants are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.calendars import add
from domain.errors import Invalid, Refused
from domain.playbook.codec import content_hash
from domain.playbook.commands import ResumePlaybooks, SuspendPlaybooks
from domain.playbook.definition import (
    CODED_EVIDENCE,
    Anchor,
    Definition,
    Duration,
    Exit,
    Phase,
    Step,
    TimeSpec,
)
from domain.playbook.draft import Draft, ladder_of
from domain.playbook.events import Migrated
from domain.playbook.evidence import learned
from domain.playbook.lifecycle import check_codes, move_due
from domain.playbook.state import PhaseState, State, StepState, StepStatus
from domain.playbook.times import after_pauses, reminders_behind
from domain.playbook.unfolding import WITH_DUE, close_step, schedule_next, wait_closes_at


@dataclass(frozen=True, slots=True)
class _Rules:
    """A step's rules in one version, with the phase that its times may be counted from."""

    definition: Definition
    phase: PhaseState
    step: Step

    def hangs_on(self, spec: TimeSpec | None) -> tuple[TimeSpec | None, datetime | None]:
        """A time with the phase's instant that it is counted from; equal ones come out equal."""
        if spec is not None and spec.anchor is Anchor.phase_start:
            return spec, self.phase.starts_at
        if spec is not None and spec.anchor is Anchor.phase_end:
            return spec, self.phase.ends_at
        return spec, None

    def is_kin_of(self, other: _Rules) -> bool:
        """Whether open work can go on: a step of another kind is another step."""
        one, two = self.step, other.step
        return one.kind is two.kind and bool(one.cases) == bool(two.cases)


def migrate(draft: Draft, event: Migrated) -> None:
    """Refused with `same_version`, `another_playbook`, `changed_meanwhile`, `wrong_subject`,
    `concurrency_differs`, `parameter_invalid`; allowed while paused."""
    before, after = draft.definition, _target(draft, event)
    old = _rules(before, draft.phases)
    known = {step.key for step in after.steps()}
    draft.definition = after
    draft.set(migrations=draft.state.migrations + 1, former=_former(before, draft.state, known))
    if event.fields_version >= draft.state.fields_version:
        draft.set(fields=event.fields, fields_version=event.fields_version)
    draft.phases = {
        phase.key: _phase(draft, before, phase, draft.phases.get(phase.key))
        for phase in after.phases
    }
    new = _rules(after, draft.phases)
    for state in list(draft.live()):
        if state.key in new and new[state.key].is_kin_of(old[state.key]):
            _go_on(draft, old[state.key], new[state.key], state)
        else:
            _withdraw(draft, state)
    for key in new:
        if key in old:
            _repeat(draft, old[key], new[key])
    _keep_held(draft, before.exits, after.exits)
    _tell_suspended(draft, before.suspends, after.suspends)


def _target(draft: Draft, event: Migrated) -> Definition:
    before, after = draft.definition, draft.onto
    if after is None or content_hash(after) != event.content_hash:
        raise Invalid(
            "The definition of the new version is missing, or is another one.",
            code="definition_differs",
        )
    leaves = content_hash(before)
    if leaves == event.content_hash:
        raise Refused("It runs this version already; nothing has to be moved.", code="same_version")
    if leaves != event.before:
        raise Refused(
            "Somebody moved it to another version meanwhile. Look at it again.",
            code="changed_meanwhile",
        )
    if after.key != before.key:
        raise Refused(
            f'This is a version of "{after.key}", the execution runs "{before.key}". '
            "Take a version of the same playbook.",
            code="another_playbook",
        )
    if after.subject is not before.subject:
        raise Refused(
            f"That version runs for one {after.subject.value}. Let this one end, start it anew.",
            code="wrong_subject",
        )
    if after.concurrency_key != before.concurrency_key:
        raise Refused(
            "That version tells its executions apart in another way. "
            "Let this one end, start it anew.",
            code="concurrency_differs",
        )
    check_codes(after, draft.state.parameters)
    return after


def _rules(definition: Definition, phases: dict[str, PhaseState]) -> dict[str, _Rules]:
    return {
        step.key: _Rules(definition, phases[phase.key], step)
        for phase in definition.phases
        for step in phase.steps
    }


def _former(before: Definition, state: State, known: set[str]) -> tuple[Phase, ...]:
    left = {step.key for step in state.steps} - known
    return tuple(
        replace(phase, steps=kept)
        for phase in (*state.former, *before.phases)
        if (kept := tuple(step for step in phase.steps if step.key in left))
    )


def _standing(draft: Draft, state: StepState | None = None) -> datetime:
    """The instant at which its clocks stand, where they do: what moves there moves on with them."""
    now = draft.state.paused_at or draft.at
    return min(now, state.waiting.since) if state and state.waiting else now


# --- phases -------------------------------------------------------------------------------


def _phase(draft: Draft, before: Definition, phase: Phase, known: PhaseState | None) -> PhaseState:
    """Begun stays begun; what another rule says is laid out anew from the execution's start."""
    rule = next((one for one in before.phases if one.key == phase.key), None)
    if known is None or rule is None:
        known, rule = PhaseState(phase.key, None, None), replace(phase, starts=None, ends=None)
        known = replace(known, generation=draft.state.migrations)
    if not known.started and rule.starts != phase.starts:
        starts_at = _from_start(draft, phase.starts)
        if starts_at is not None:
            starts_at = max(starts_at, _standing(draft))
        known = replace(known, starts_at=starts_at, generation=draft.state.migrations)
    if rule.ends != phase.ends:
        known = replace(known, ends_at=_from_start(draft, phase.ends))
    return known


def _from_start(draft: Draft, offset: Duration | None) -> datetime | None:
    """So long after the start, moved by every pause that came before that."""
    if offset is None:
        return None
    at = add(draft.state.started_at, offset, draft.state.calendar)
    for pause in draft.state.pauses:
        if at > pause.since:
            at += pause.until - pause.since
    return at


# --- steps --------------------------------------------------------------------------------


def _withdraw(draft: Draft, state: StepState) -> None:
    if state.status is StepStatus.scheduled:
        draft.change(state, status=StepStatus.withdrawn, closed_at=draft.at)
    else:
        close_step(draft, state, StepStatus.withdrawn)


def _go_on(draft: Draft, old: _Rules, new: _Rules, state: StepState) -> None:
    match state.status:
        case StepStatus.scheduled:
            moved = old.hangs_on(old.step.opens) != new.hangs_on(new.step.opens)
            replaced = old.phase.key != new.phase.key or old.step.after != new.step.after
            if state.occurrence == 1 and (moved or replaced):
                _withdraw(draft, state)  # it comes up anew, by the new rules
        case StepStatus.sending:
            return
        case _:
            state = _refill(draft, old.step, new.step, state)
            state = _move_limit(draft, old, new, state)
            _move_sla(draft, old, new, state)


def _refill(draft: Draft, old: Step, new: Step, state: StepState) -> StepState:
    """What was filled in before stays where it fits the new form."""
    if old.evidence == new.evidence:
        return state
    rows = {field.key for field in new.evidence if field.type not in CODED_EVIDENCE}
    return draft.change(
        state,
        answers=learned(new, state.answers),
        evidence={key: row for key, row in state.evidence.items() if key in rows},
    )


def _move_limit(draft: Draft, old: _Rules, new: _Rules, state: StepState) -> StepState:
    """The end of a wait, or of a survey and its reminder, counted from the opening."""
    step = new.step
    if _limit(old) == _limit(new):
        return state
    opening = after_pauses(state.opened_at or draft.at, draft.state.pauses)
    standing = _standing(draft, state)
    closes_at, reminder_at = None, state.reminder_at
    if step.wait is not None:
        closes_at = wait_closes_at(draft, step, opening)
    elif step.survey is not None:
        closes_at = add(opening, step.survey.closes_after, draft.state.calendar)
        reminder_at = _survey_reminder(draft, old.step, step, state, opening)
    return draft.change(
        state,
        closes_at=max(closes_at, standing) if closes_at else None,
        reminder_at=max(reminder_at, standing) if reminder_at else None,
        generation=state.generation + 1,
    )


def _limit(rules: _Rules) -> tuple[object, ...]:
    wait = rules.step.wait
    return wait, rules.hangs_on(wait.until if wait else None), rules.step.survey


def _survey_reminder(
    draft: Draft, old: Step, new: Step, state: StepState, opening: datetime
) -> datetime | None:
    """None where there is none, or the customer has been reminded."""
    if new.survey is None or new.survey.reminder_after is None:
        return None
    if state.reminder_at is None and old.survey is not None and old.survey.reminder_after:
        return None
    return add(opening, new.survey.reminder_after, draft.state.calendar)


def _move_sla(draft: Draft, old: _Rules, new: _Rules, state: StepState) -> None:
    """Due by the new rule where that is another one. An offer stands as it was made."""
    step, standing = new.step, _standing(draft, state)
    before = state
    if (
        state.status is not StepStatus.offered
        and step.kind in WITH_DUE
        and old.hangs_on(old.step.due) != new.hangs_on(step.due)
    ):
        opening = after_pauses(state.opened_at or draft.at, draft.state.pauses)
        state = move_due(draft, step, state, opening, standing)
    if state is not before:
        return
    if state.breached_at is not None:
        if ladder_of(old.definition, old.step) != ladder_of(new.definition, step):
            draft.change(state, generation=state.generation + 1)
    elif old.step.reminders != step.reminders:
        told = reminders_behind(step, state.due_at, draft.state.calendar, standing)
        draft.change(state, reminders_told=told, generation=state.generation + 1)


def _repeat(draft: Draft, old: _Rules, new: _Rules) -> None:
    """Another rule of repetition counts from the last opening."""
    step, occurrences = new.step, draft.occurrences(new.step.key)
    to_phase_end = step.repeat is not None and step.repeat.until_phase_end
    moved = to_phase_end and old.phase.ends_at != new.phase.ends_at
    if old.step.repeat == step.repeat and not moved:
        return
    opened = [one for one in occurrences if one.status is not StepStatus.scheduled]
    if not opened:
        return
    for state in occurrences:
        if state.status is StepStatus.scheduled:
            _withdraw(draft, state)
    last = max(opened, key=lambda one: one.occurrence)
    opening = after_pauses(last.opened_at or last.closed_at or draft.at, draft.state.pauses)
    schedule_next(draft, step, last.occurrence, opening, _standing(draft))


# --- exits and other playbooks ------------------------------------------------------------


def _keep_held(draft: Draft, before: tuple[Exit, ...], after: tuple[Exit, ...]) -> None:
    """The same condition goes on being held. One that has to hold for another time than what has
    passed is held anew, unless it has held that long too."""
    old = {rule.code: rule for rule in before if rule.held_for is not None}
    since: dict[str, datetime] = {}
    passed: list[str] = []
    for rule in after:
        known, at = old.get(rule.code), draft.state.held_since.get(rule.code)
        if known is None or at is None or rule.held_for is None or known.when != rule.when:
            continue
        if rule.code in draft.state.held_passed:
            calendar, now = draft.state.calendar, _standing(draft)
            if rule.held_for != known.held_for and add(at, rule.held_for, calendar) > now:
                continue
            passed.append(rule.code)
        since[rule.code] = at
    draft.set(held_since=since, held_passed=tuple(sorted(passed)))


def _tell_suspended(draft: Draft, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    ended = tuple(playbook for playbook in before if playbook not in after)
    begun = tuple(playbook for playbook in after if playbook not in before)
    if ended:
        draft.emit(ResumePlaybooks(ended))
    if begun:
        draft.emit(SuspendPlaybooks(begun))
