"""Answers kept under a caller's Idempotency-Key, in the transaction whose effect they guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from db.models.idempotency_keys import IdempotencyKey
from db.sessions import WriteSession
from domain.errors import Invalid

_UNDER_WAY = 0
"""The status of a key whose request has not been answered; it is never committed."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """One key of one principal on one route, and what was sent under it."""

    principal: UUID
    route: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that was given."""

    status: int
    response: dict[str, Any] | None


def reused() -> Invalid:
    return Invalid(
        "This Idempotency-Key was sent before with another request. Use a new key for a new "
        "request.",
        code="idempotency_key_reused",
    )


async def claim(session: WriteSession, org: UUID, keyed: Keyed) -> Kept | None:
    """The kept answer, or None where this transaction is the first and now holds the key.

    Waits for another transaction that holds it. Raises Invalid `idempotency_key_reused`.
    """
    claimed = await session.run(
        insert(IdempotencyKey)
        .values(
            org_id=org,
            principal_id=keyed.principal,
            route=keyed.route,
            key=keyed.key,
            body_digest=keyed.digest,
            status=_UNDER_WAY,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if claimed.scalar_one_or_none() is not None:
        return None
    row = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.org_id == org,
            IdempotencyKey.principal_id == keyed.principal,
            IdempotencyKey.route == keyed.route,
            IdempotencyKey.key == keyed.key,
        )
    )
    assert row is not None
    if row.body_digest != keyed.digest:
        raise reused()
    return Kept(row.status, row.response)


async def keep(
    session: WriteSession, org: UUID, keyed: Keyed, status: int, response: dict[str, Any] | None
) -> None:
    """Keeps the answer under a key that this transaction holds."""
    await session.run(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.org_id == org,
            IdempotencyKey.principal_id == keyed.principal,
            IdempotencyKey.route == keyed.route,
            IdempotencyKey.key == keyed.key,
        )
        .values(status=status, response=response)
        .execution_options(synchronize_session=False)
    )
