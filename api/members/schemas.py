"""Members as they are answered."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission
from api.shapes import View
from domain.playbook.definition import Role


class MemberView(View):
    id: UUID
    name: str
    email: str
    roles: list[Role]
    manager: UUID | None
    active: bool


class MeView(View):
    """Whom the token speaks for, and what they may."""

    organization: UUID
    member: UUID
    roles: list[Role]
    permissions: list[Permission]
    standing_in_for: list[UUID]
