"""Who calls: the bearer token of a request, and what it resolves to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from db.scope import Scope
from domain.errors import Unauthenticated
from domain.playbook.definition import Role
from runtime.tokens import looks_whole


@dataclass(frozen=True, slots=True)
class Caller:
    """A member of an organization, acting through one token."""

    org: UUID
    member: UUID
    roles: tuple[Role, ...]
    token: UUID

    @property
    def scope(self) -> Scope:
        return Scope(self.org, self.member)


def unauthenticated() -> Unauthenticated:
    return Unauthenticated(
        "Send a valid token in the header Authorization, after the word Bearer. "
        "`holdfast token issue` makes one."
    )


def bearer_of(request: Request) -> str:
    """The token of the request. Raises Unauthenticated; the token itself is looked up later."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.isascii() or not looks_whole(token):
        raise unauthenticated()
    return token
