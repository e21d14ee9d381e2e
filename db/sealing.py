"""The audit chain (law 14): each entry's hash covers its content and the hash before it.

The hash is SHA-256 over the previous hash and the RFC 8785 bytes of the entry as PostgreSQL gives
it back; the first entry follows 32 zero bytes. Entries are found by flag, not by a watermark, so
that one which commits late is sealed late and never missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import rfc8785
from sqlalchemy import ARRAY, BigInteger, LargeBinary, Uuid, bindparam, func, select, text

from db.bulk import table_of
from db.engine import Database
from db.models.audit_entries import AuditEntry
from db.models.audit_heads import AuditHead
from db.scope import Scope
from db.sessions import ReadSession, WriteSession

A = table_of(AuditEntry).c
H = table_of(AuditHead).c

ORIGIN = bytes(32)
"""What the first entry of a chain follows."""

_AT_ONCE = 1_000
_EXACT = 2**53 - 1
_TAKE_TURN = text(
    "select pg_try_advisory_xact_lock(hashtextextended('seal:' || cast(:org as text), 0)) as mine"
).bindparams(bindparam("org", type_=Uuid()))
_SEAL = text("select app.seal(:entries, :first, :prev, :own)").bindparams(
    bindparam("entries", type_=ARRAY(Uuid())),
    bindparam("first", type_=BigInteger()),
    bindparam("prev", type_=ARRAY(LargeBinary())),
    bindparam("own", type_=ARRAY(LargeBinary())),
)
_CONTENT = (
    A.id,
    A.at,
    A.recorded_at,
    A.actor_id,
    A.on_behalf_of,
    A.action,
    A.outcome,
    A.object_kind,
    A.object_id,
    A.reason_id,
    A.reason_code,
    A.seen,
    A.data,
)
_NAMES = tuple(column.name for column in _CONTENT)

Fault = Literal["changed", "missing", "cut"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking a chain found.

    `sealed` entries hold up to `head`; `unsealed` wait for the sealer and are not vouched for.
    `fault` at `broken_at` (the first sequence number that does not hold): an entry was "changed",
    one is "missing" in the middle, or the end was "cut".
    """

    ok: bool
    sealed: int
    unsealed: int
    head: bytes
    broken_at: int | None = None
    fault: Fault | None = None


def entry_hash(previous: bytes, org: object, seq: int, content: dict[str, Any]) -> bytes:
    """The hash of one entry; `content` maps the entry's columns to their values."""
    plain = {name: _plain(value) for name, value in content.items()}
    body = rfc8785.dumps({"org": str(org), "seq": seq, **plain})
    return hashlib.sha256(previous + body).digest()


async def seal(db: Database, scope: Scope) -> int:
    """Chains what is unsealed in an organization; how many entries.

    Where another sealer is at it, nothing is done.
    """
    total = 0
    while True:
        async with db.transaction(scope) as session:
            sealed = await _seal_some(session)
        total += sealed
        if sealed < _AT_ONCE:
            return total


async def verify(session: ReadSession) -> Verification:
    """Recomputes the whole chain of an organization, in batches, and reports the first fault."""
    org = session.scope.org
    previous, seq = ORIGIN, 0
    unsealed = await _count_unsealed(session)
    while True:
        rows = await session.execute(
            select(A.seq, A.prev_hash, A.hash, *_CONTENT)
            .where(A.org_id == org, A.seq > seq)
            .order_by(A.seq)
            .limit(_AT_ONCE)
        )
        batch: Sequence[Any] = rows.all()
        for row in batch:
            found, prev_hash, own_hash, *content = row
            fault: Fault | None = None
            if found != seq + 1:
                fault = "missing"
            elif prev_hash != previous or own_hash != entry_hash(
                previous, org, found, dict(zip(_NAMES, content, strict=True))
            ):
                fault = "changed"
            if fault is not None:
                return Verification(False, seq, unsealed, previous, seq + 1, fault)
            previous, seq = own_hash, found
        if len(batch) < _AT_ONCE:
            break
    known = (await session.execute(select(H.seq, H.hash).where(H.org_id == org))).first()
    last, head = (known[0], known[1]) if known else (0, ORIGIN)
    if last > seq:
        return Verification(False, seq, unsealed, previous, seq + 1, "cut")
    if head != previous:
        return Verification(False, seq, unsealed, previous, seq, "changed")
    return Verification(True, seq, unsealed, previous)


async def _seal_some(session: WriteSession) -> int:
    org = session.scope.org
    if not (await session.run(_TAKE_TURN, {"org": org})).scalar_one():
        return 0
    rows = await session.execute(
        select(*_CONTENT)
        .where(A.org_id == org, A.seq.is_(None))
        .order_by(A.recorded_at, A.id)
        .limit(_AT_ONCE)
    )
    waiting: Sequence[Any] = rows.all()
    if not waiting:
        return 0
    known = (await session.execute(select(H.seq, H.hash).where(H.org_id == org))).first()
    seq, previous = (known[0], known[1]) if known else (0, ORIGIN)
    first = seq + 1
    before: list[bytes] = []
    own: list[bytes] = []
    for row in waiting:
        seq += 1
        before.append(previous)
        previous = entry_hash(previous, org, seq, dict(zip(_NAMES, row, strict=True)))
        own.append(previous)
    await session.run(
        _SEAL,
        {"entries": [row[0] for row in waiting], "first": first, "prev": before, "own": own},
    )
    return len(waiting)


async def _count_unsealed(session: ReadSession) -> int:
    found = await session.scalar(
        select(func.count())
        .select_from(table_of(AuditEntry))
        .where(A.org_id == session.scope.org, A.seq.is_(None))
    )
    return found or 0


def _plain(value: Any) -> Any:
    """A value as RFC 8785 takes it; instants in UTC to the microsecond.

    Whole numbers that JSON readers would round are written as text.
    """
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case int() if abs(value) > _EXACT:
            return str(value)
        case None | str() | int() | float() | bool():
            return value
        case _:
            return str(value)
