"""The fields that definitions read, one row per account, each write a version (law 15)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.bulk import encoded, insertion, recordset, table_of
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

_MAKE_MANY = Prepared(insertion(AccountStatistics, ("account_id",)).on_conflict_do_nothing())
_NAMED = recordset(AccountStatistics, ("account_id",), "rows")
_HOLD_MANY = Prepared(
    select(S.account_id, S.version, S.fields)
    .where(
        S.org_id == bindparam("org", type_=Uuid()), S.account_id.in_(select(_NAMED.c.account_id))
    )
    .order_by(S.account_id)
    .with_for_update(of=table_of(AccountStatistics))
)
_NEW = recordset(AccountStatistics, ("account_id", "version", "fields"), "rows")
_WRITE_MANY = Prepared(
    update(table_of(AccountStatistics))
    .where(S.org_id == bindparam("org", type_=Uuid()), S.account_id == _NEW.c.account_id)
    .values(version=_NEW.c.version, fields=_NEW.c.fields, updated_at=func.now())
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


async def hold_many(
    session: WriteSession, org: UUID, accounts: Collection[UUID]
) -> dict[UUID, Statistics]:
    """The fields of many accounts, their rows locked for update in the order of their ids.

    Makes the rows that are missing. Two batches wait for each other, and never in a ring.
    """
    rows = encoded([{"account_id": account} for account in sorted(accounts)])
    await session.ask(_MAKE_MANY, {"org": org, "rows": rows})
    held = await session.ask(_HOLD_MANY, {"org": org, "rows": rows})
    return {account: Statistics(version, fields) for account, version, fields in held}


async def write_many(
    session: WriteSession,
    org: UUID,
    held: Mapping[UUID, Statistics],
    changes: Mapping[UUID, Mapping[str, Value]],
) -> dict[UUID, Statistics]:
    """Lays each account's new values over those that `hold_many` gave, in one statement.

    None takes a value away. Answers with the accounts where something changed.
    """
    written: dict[UUID, Statistics] = {}
    for account, fields in changes.items():
        known = held[account]
        kept = {k: v for k, v in {**known.fields, **fields}.items() if v is not None}
        changed = frozenset(k for k in fields if _differs(known.fields.get(k), kept.get(k)))
        if changed:
            written[account] = Statistics(known.version + 1, kept, changed)
    if written:
        rows = encoded(
            [
                {"account_id": account, "version": now.version, "fields": now.fields}
                for account, now in written.items()
            ]
        )
        await session.ask(_WRITE_MANY, {"org": org, "rows": rows})
    return written


def _differs(before: object, after: object) -> bool:
    """Also where True became 1, which Python takes for equal."""
    return before != after or isinstance(before, bool) is not isinstance(after, bool)
