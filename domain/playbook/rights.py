"""Who may do what to a step. The system itself (no member) may do anything.

What depends on no state (who may pause, publish, import) stands in `api/auth/permissions.py`.
"""

from __future__ import annotations

from domain.errors import Refused
from domain.playbook.definition import LadderLevel, RecipientKind, Role, Step
from domain.playbook.draft import Draft, step_of
from domain.playbook.state import StepState
from domain.playbook.unfolding import first_owner

OVERSEERS = frozenset({Role.director, Role.admin})
"""Roles that may work any step of their organization."""

WAIVER_APPROVER = Role.director
"""Who approves a waiver where the step names nobody: our choice."""


def is_holder(draft: Draft, state: StepState) -> bool:
    """The assignee, who acts for the assignee, or (where nobody is named) a holder of the role."""
    actor = draft.actor
    if state.assignee is not None:
        return state.assignee in (actor.member, actor.on_behalf_of)
    return state.owner in actor.roles


def require_worker(draft: Draft, state: StepState) -> None:
    """Refused with `role_may_not` where the actor neither holds the step nor its role.

    Who owned it before a ladder handed it on may still do it: the work matters, not the blame.
    """
    actor = draft.actor
    if actor.member is None or is_holder(draft, state):
        return
    own = first_owner(step_of(draft.definition, state.key))
    if {own, state.owner} & set(actor.roles) or OVERSEERS & set(actor.roles):
        return
    raise _may_not(state.owner, state)


def require_receiver(draft: Draft, state: StepState) -> None:
    """Only the receiver of a hand-off answers it; an overseer may answer for them."""
    actor = draft.actor
    if actor.member is None or is_holder(draft, state) or OVERSEERS & set(actor.roles):
        return
    raise _may_not(state.owner, state)


def require_approver(draft: Draft, step: Step, state: StepState) -> None:
    """The step's approver decides about its waiver."""
    role = step.approver or WAIVER_APPROVER
    if draft.actor.member is None or role in draft.actor.roles or Role.admin in draft.actor.roles:
        return
    raise _may_not(role, state)


def require_told(draft: Draft, state: StepState, levels: tuple[LadderLevel, ...]) -> None:
    """Who works the step, or was told by a level that fired, acknowledges it.

    Who somebody's manager is the shell knows; where a level tells a manager, it vouches.
    """
    told = [recipient for level in levels for recipient in level.tell]
    roles = {recipient.role for recipient in told if recipient.role is not None}
    if any(recipient.kind is RecipientKind.owner for recipient in told):
        roles.add(draft.definition.owner)
    to_manager = any(recipient.kind is RecipientKind.manager for recipient in told)
    if roles & set(draft.actor.roles) or (to_manager and set(draft.actor.roles) - {Role.auditor}):
        return
    require_worker(draft, state)


def _may_not(role: Role, state: StepState) -> Refused:
    return Refused(
        f"This step belongs to the role {role.value}. Ask its holder, or have it reassigned.",
        code="role_may_not",
        details={"step": state.key, "role": role.value},
    )
