"""Who holds a role now: the account team, then the organization, then the administrators.

Absence moves people, never an instant (law 10): who is away is replaced by their delegate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from domain.playbook.definition import Definition, Recipient, RecipientKind, Role
from domain.playbook.state import StepState

FALLBACK = Role.admin
"""Who is told where a role has no holder, so that no escalation is told to nobody."""


@dataclass(frozen=True, slots=True)
class People:
    """What resolving needs, read once per transaction.

    `team`: the account's holder of each role. `organization`: active members by role, oldest
    first. `managers` and `delegates` (of those away now) by member.
    """

    team: Mapping[Role, UUID] = field(default_factory=dict)
    organization: Mapping[Role, tuple[UUID, ...]] = field(default_factory=dict)
    managers: Mapping[UUID, UUID] = field(default_factory=dict)
    delegates: Mapping[UUID, UUID] = field(default_factory=dict)

    def holder(self, role: Role) -> UUID | None:
        """The one member who holds a role for this subject; the first of several."""
        if role in self.team:
            return self.team[role]
        holders = self.organization.get(role, ())
        return holders[0] if holders else None

    def assignee(self, step: StepState) -> UUID | None:
        """Who holds the step: the member it names, else the holder of its role."""
        return UUID(step.assignee) if step.assignee else self.holder(step.owner)

    def present(self, member: UUID) -> UUID:
        """The member, or who stands in for them now; a chain of delegates ends at its third."""
        for _ in range(3):
            if member not in self.delegates:
                break
            member = self.delegates[member]
        return member

    def told(
        self, recipients: Iterable[Recipient], definition: Definition, step: StepState | None
    ) -> list[UUID]:
        """The members behind recipients, present ones, each once, in their order."""
        found: dict[UUID, None] = {}
        for recipient in recipients:
            for member in self._members(recipient, definition, step):
                found[self.present(member)] = None
        return list(found)

    def _members(
        self, recipient: Recipient, definition: Definition, step: StepState | None
    ) -> list[UUID]:
        match recipient.kind:
            case RecipientKind.role:
                return self._or_fallback(self.holder(recipient.role or FALLBACK))
            case RecipientKind.owner:
                return self._or_fallback(self.holder(definition.owner))
            case RecipientKind.assignee:
                return self._or_fallback(self.assignee(step) if step else None)
            case RecipientKind.manager:
                assignee = self.assignee(step) if step else None
                manager = self.managers.get(assignee) if assignee else None
                return self._or_fallback(manager or self.holder(Role.director))
            case RecipientKind.contact:
                return []

    def _or_fallback(self, member: UUID | None) -> list[UUID]:
        if member is not None:
            return [member]
        return list(self.organization.get(FALLBACK, ())[:1])
