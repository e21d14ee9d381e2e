"""Answers kept under a caller's Idempotency-Key, in the transaction whose effect they guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from db.bulk import table_of
from db.models.idempotency_keys import IdempotencyKey
from db.prepared import Prepared
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


K = table_of(IdempotencyKey).c
_THIS = (
    K.org_id == bindparam("org", type_=Uuid()),
    K.principal_id == bindparam("principal", type_=Uuid()),
    K.route == bindparam("on_route", type_=Text()),
    K.key == bindparam("by_key", type_=Text()),
)
# Made once: every command of a caller with a key asks these.
_CLAIM = Prepared(
    insert(table_of(IdempotencyKey))
    .values(
        org_id=bindparam("org", type_=Uuid()),
        principal_id=bindparam("principal", type_=Uuid()),
        route=bindparam("on_route", type_=Text()),
        key=bindparam("by_key", type_=Text()),
        body_digest=bindparam("digest", type_=Text()),
        status=_UNDER_WAY,
    )
    .on_conflict_do_nothing()
    .returning(K.key)
)
_KEPT = Prepared(select(K.body_digest, K.status, K.response).where(*_THIS))
_KEEP = Prepared(
    update(table_of(IdempotencyKey))
    .where(*_THIS)
    .values(
        status=bindparam("answered"), response=bindparam("answer", type_=JSONB(none_as_null=True))
    )
)


async def claim(session: WriteSession, org: UUID, keyed: Keyed) -> Kept | None:
    """The kept answer, or None where this transaction is the first and now holds the key.

    Waits for another transaction that holds it. Raises Invalid `idempotency_key_reused`.
    """
    key = _key(org, keyed)
    if await session.ask(_CLAIM, {**key, "digest": keyed.digest}):
        return None
    [(digest, status, response)] = await session.ask(_KEPT, key)
    if digest != keyed.digest:
        raise reused()
    return Kept(status, response)


async def keep(
    session: WriteSession, org: UUID, keyed: Keyed, status: int, response: bytes | None
) -> None:
    """Keeps the answer, which is JSON, under a key that this transaction holds."""
    await session.ask(_KEEP, {**_key(org, keyed), "answered": status, "answer": response})


def _key(org: UUID, keyed: Keyed) -> dict[str, object]:
    return {
        "org": org,
        "principal": keyed.principal,
        "on_route": keyed.route,
        "by_key": keyed.key,
    }
