"""The fields that definitions read, one row per account, each write a version (law 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.bulk import table_of
from db.models.account_statistics import AccountStatistics
from db.prepared import Prepared
from db.sessions import ReadSession, WriteSession
from domain.errors import Conflict
from domain.playbook.definition import Value

S = table_of(AccountStatistics).c
_HELD = Prepared(
    select(S.version, S.fields)
    .where(
        S.org_id == bindparam("org", type_=Uuid()),
        S.account_id == bindparam("account", type_=Uuid()),
    )
    .with_for_update(read=True)
)
_MAKE = Prepared(
    insert(table_of(AccountStatistics))
    .values(
        org_id=bindparam("org", type_=Uuid()),
        account_id=bindparam("account", type_=Uuid()),
        version=0,
        fields={},
    )
    .on_conflict_do_nothing()
    .returning(S.version)
)


@dataclass(frozen=True, slots=True)
class Statistics:
    """All fields of an account, and the version they stand in; 0: nothing is known yet."""

    version: int
    fields: dict[str, Any]
    changed: frozenset[str] = frozenset()


async def read_statistics(session: ReadSession, org: UUID, account: UUID) -> Statistics:
    row = await session.scalar(
        select(AccountStatistics).where(
            AccountStatistics.org_id == org, AccountStatistics.account_id == account
        )
    )
    return Statistics(row.version, row.fields) if row else Statistics(0, {})


async def lock_for_reading(session: WriteSession, org: UUID, account: UUID) -> Statistics:
    """The fields, held against intake until the transaction ends, so that no fact is missed.

    Makes the row where it is missing: without one there would be nothing to hold.
    """
    this = {"org": org, "account": account}
    rows = await session.ask(_HELD, this)
    if not rows:
        if await _make_row(session, org, account):
            return Statistics(0, {})
        rows = await session.ask(_HELD, this)
    [(version, fields)] = rows
    return Statistics(version, fields)


async def _make_row(session: WriteSession, org: UUID, account: UUID) -> bool:
    """Whether this transaction made it, and so holds it."""
    return bool(await session.ask(_MAKE, {"org": org, "account": account}))


async def write_statistics(
    session: WriteSession,
    org: UUID,
    account: UUID,
    fields: Mapping[str, Value],
    expected: int | None = None,
) -> Statistics:
    """Lays `fields` over what is known; None takes a field's value away. Nothing new: no version.

    Locks the row for update, so that what reads the fields comes before or after. Raises Conflict
    `changed_meanwhile` where `expected` is given and is no longer the version.
    """
    await _make_row(session, org, account)
    row = await session.scalar(
        select(AccountStatistics)
        .where(AccountStatistics.org_id == org, AccountStatistics.account_id == account)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert row is not None
    if expected is not None and row.version != expected:
        raise Conflict(
            "Somebody wrote these statistics meanwhile. Read them again, then write.",
            code="changed_meanwhile",
            details={"version": row.version},
        )
    merged = {**row.fields, **fields}
    kept = {name: value for name, value in merged.items() if value is not None}
    changed = frozenset(name for name in fields if _differs(row.fields.get(name), kept.get(name)))
    if not changed:
        return Statistics(row.version, row.fields)
    version = row.version + 1
    await session.run(
        update(AccountStatistics)
        .where(AccountStatistics.org_id == org, AccountStatistics.account_id == account)
        .values(version=version, fields=kept, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return Statistics(version, kept, changed)


def _differs(before: object, after: object) -> bool:
    """Also where True became 1, which Python takes for equal."""
    return before != after or isinstance(before, bool) is not isinstance(after, bool)
