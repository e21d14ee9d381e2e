"""Whose data a transaction is about, and as whom: an explicit argument, never ambient (law 13)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """An organization, and the member who acts: a person, or the organization's service member.

    PostgreSQL shows nothing unless that member is active in that organization.
    """

    org: UUID
    member: UUID


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a valid token speaks for. `unseen`: its use is to be noted again."""

    token: UUID
    scope: Scope
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    unseen: bool = False
