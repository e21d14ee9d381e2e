"""From the state of an execution to the rows that people read. Pure: no session, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.playbook.definition import Definition
from domain.playbook.draft import rules_of
from domain.playbook.state import State, StepState

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Frame:
    """What every step row of an execution repeats, so that an inbox reads one table."""

    org: UUID
    execution: UUID
    account: UUID | None
    contact: UUID | None


def changed_steps(before: State | None, after: State) -> list[StepState]:
    """Occurrences whose state differs; all of them where the execution's own status changed."""
    if before is None or before.status is not after.status:
        return list(after.steps)
    known = {(s.key, s.occurrence): s for s in before.steps}
    return [s for s in after.steps if known.get((s.key, s.occurrence)) != s]


def step_row(
    frame: Frame,
    definition: Definition,
    state: State,
    step: StepState,
    assignee: UUID | None,
    changed_at: datetime,
) -> Row:
    """One row of the table `steps`."""
    phase, rules = rules_of(definition, state, step.key)
    waiting, waiver = step.waiting, step.waiver
    return {
        "org_id": frame.org,
        "execution_id": frame.execution,
        "step": step.key,
        "occurrence": step.occurrence,
        "execution_status": state.status.value,
        "playbook_key": definition.key,
        "playbook_name": definition.name,
        "account_id": frame.account,
        "contact_id": frame.contact,
        "phase": phase.key,
        "title": rules.title,
        "kind": rules.kind.value,
        "status": step.status.value,
        "required": rules.required,
        "urgent": rules.urgent,
        "priority": rules.priority,
        "owner": step.owner.value,
        "approver": rules.approver.value if rules.approver else None,
        "hand_off_to": rules.hand_off.to.value if rules.hand_off else None,
        "assignee_id": assignee,
        "opens_at": step.opens_at,
        "opened_at": step.opened_at,
        "due_at": step.due_at,
        "first_due_at": step.first_due_at,
        "closed_at": step.closed_at,
        "occurred_at": step.occurred_at,
        "breached_at": step.breached_at,
        "snoozed_until": step.snoozed_until,
        "waiting_since": waiting.since if waiting else None,
        "waiting_reason": waiting.reason_code if waiting else None,
        "follow_up_at": waiting.follow_up_at if waiting else None,
        "waited": step.waited,
        "level": step.levels_fired,
        "acknowledged_level": step.acknowledged_level,
        "waiver_requested_by": _member(waiver.requested_by) if waiver else None,
        "waiver_requested_at": waiver.requested_at if waiver else None,
        "choice": step.choice,
        "changed_at": changed_at,
    }


def _member(value: str) -> UUID | None:
    """A member's id; None for the system itself."""
    try:
        return UUID(value)
    except ValueError:
        return None
