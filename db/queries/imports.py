"""Imports: their record, and the merge of staged rows into accounts and contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from db.models.imports import Import
from db.queries.statistics import Statistics
from db.sessions import ReadSession, WriteSession
from domain.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Merged:
    """How many rows of the file made something, changed something, or found it as it is."""

    created: int
    updated: int
    unchanged: int


_TYPES: Mapping[str, str] = {
    "seats": "integer",
    "arr_cents": "bigint",
    "renewal_date": "date",
    "customer_since": "date",
}
"""SQL types of columns that are not text."""

_DEFAULTS: Mapping[str, str] = {"stage": "customer", "kind": "end_user"}
"""What an empty cell means where a column must have a value."""

_FIELDS = """jsonb_build_object(
    'account.stage', a.stage, 'account.tier', a.tier, 'account.plan', a.plan,
    'account.seats', a.seats, 'account.arr', a.arr_cents / 100.0,
    'account.renewal_date', a.renewal_date, 'account.customer_since', a.customer_since
)"""


async def merge_accounts(session: WriteSession, columns: Sequence[str]) -> Merged:
    """Merges staged rows by external_id; `columns` are the mapped ones beside it."""
    return await _merge(session, "accounts", columns, "", "", "attributes")


async def merge_contacts(session: WriteSession, columns: Sequence[str]) -> Merged:
    """The same for contacts; their accounts must be there."""
    join = " join accounts a on a.org_id = :org and a.external_id = r.values->>'account'"
    return await _merge(session, "contacts", columns, join, "account_id", None)


async def _merge(
    session: WriteSession,
    table: str,
    columns: Sequence[str],
    join: str,
    parent: str,
    merged: str | None,
) -> Merged:
    # every name here is one of our own columns: the mapping accepts no other
    own = {name: _value(name) for name in columns}
    if parent:
        own[parent] = "a.id"
    if merged:
        own[merged] = f"coalesce(r.values->'{merged}', '{{}}'::jsonb)"
    sets = {
        name: f"t.{name} || excluded.{name}" if name == merged else f"excluded.{name}"
        for name in own
    }
    version = ", version = t.version + 1" if table == "accounts" else ""
    statement = text(
        f"with made as ("
        f" insert into {table} as t (org_id, id, external_id, {', '.join(own)})"
        f" select :org, gen_random_uuid(), r.key, {', '.join(own.values())}"
        f" from import_rows r{join}"
        f" on conflict (org_id, external_id) do update set"
        f" {', '.join(f'{name} = {value}' for name, value in sets.items())},"
        f" updated_at = now(){version}"
        f" where ({', '.join(f't.{name}' for name in sets)})"
        f" is distinct from ({', '.join(sets.values())})"
        f" returning (xmax = 0) as fresh)"
        f" select count(*) filter (where fresh), count(*) filter (where not fresh),"
        f" (select count(*) from import_rows) from made"
    )
    created, updated, total = (await session.run(statement, {"org": session.scope.org})).one()
    return Merged(created, updated, total - created - updated)


def _value(column: str) -> str:
    found = f"r.values->>'{column}'"
    if column in _DEFAULTS:
        return f"coalesce({found}, '{_DEFAULTS[column]}')"
    return f"({found})::{_TYPES[column]}" if column in _TYPES else found


async def merge_statistics(session: WriteSession) -> dict[UUID, Statistics]:
    """Writes what the merged accounts say into their statistics, and holds those that changed.

    The new statistics of accounts with open executions, which have to hear of them.
    """
    org = {"org": session.scope.org}
    of_file = "from import_rows r join accounts a on a.org_id = :org and a.external_id = r.key"
    stated = f"{_FIELDS} || coalesce(r.values->'statistics', '{{}}'::jsonb)"
    await session.run(
        text(
            "insert into account_statistics (org_id, account_id, version, fields)"
            f" select :org, a.id, 1, jsonb_strip_nulls({stated}) {of_file}"
            " on conflict do nothing"
        ),
        org,
    )
    new = f"s.fields || {stated}"
    made_above = "(s.version, s.updated_at) is not distinct from (1, now())"
    rows = await session.run(
        text(
            f"with changed as (update account_statistics s"
            f" set fields = jsonb_strip_nulls({new}), version = s.version + 1, updated_at = now()"
            f" {of_file} where s.org_id = :org and s.account_id = a.id and not ({made_above})"
            f" and s.fields is distinct from jsonb_strip_nulls({new})"
            f" returning s.account_id, s.version, s.fields)"
            f" select c.account_id, c.version, c.fields from changed c where exists ("
            f" select from executions e where e.org_id = :org and e.account_id = c.account_id"
            f" and e.status <> 'ended') order by c.account_id"
        ),
        org,
    )
    return {account: Statistics(version, fields) for account, version, fields in rows}


async def hold(session: WriteSession, import_: UUID) -> None:
    """Shows to everybody, until this transaction ends, that somebody is at this import.

    Ends with the process too, however that ends. Raises Conflict `import_exists` where somebody
    else is at it.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_held(import_)))):
        raise already_there(import_)


async def interrupted(session: ReadSession, read: Sequence[Import]) -> frozenset[UUID]:
    """Which of these imports nobody is at any more, although they have come to no end."""
    running = [one.id for one in read if one.status == "running"]
    free = [
        one
        for one in running
        if await session.scalar(select(func.pg_try_advisory_xact_lock_shared(_held(one))))
    ]
    if not free:
        return frozenset()
    # once more, for those that came to their end after they had been read
    query = select(Import.id).where(
        Import.org_id == session.scope.org, Import.id.in_(free), Import.status == "running"
    )
    return frozenset((await session.scalars(query)).all())


def already_there(import_: UUID) -> Conflict:
    """What somebody hears who sends an id a second time."""
    return Conflict(
        "There is an import of this id already. Leave the id out, or send a new one.",
        code="import_exists",
        details={"import": str(import_)},
    )


def _held(import_: UUID) -> int:
    """The key of its advisory lock."""
    return int.from_bytes(import_.bytes[8:], signed=True)


async def add_import(session: WriteSession, made: Import) -> None:
    session.add(made)
    await session.flush()


async def progress(session: WriteSession, import_: UUID, total: int) -> None:
    """Says how many rows have been read so far."""
    await _change(session, import_, {"total": total})


async def end_import(
    session: WriteSession,
    import_: UUID,
    status: str,
    total: int,
    merged: Merged | None,
    faults: Sequence[Mapping[str, Any]],
) -> Import:
    """Says how it ended: done, checked, refused or failed."""
    counts = merged or Merged(0, 0, 0)
    values = {
        "status": status,
        "total": total,
        "created": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "faults": list(faults),
        "ended_at": func.now(),
    }
    await _change(session, import_, values)
    return await get_import(session, import_)


async def _change(session: WriteSession, import_: UUID, values: Mapping[str, Any]) -> None:
    await session.run(
        update(Import)
        .where(Import.org_id == session.scope.org, Import.id == import_)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def get_import(session: ReadSession, import_: UUID) -> Import:
    """Raises NotFound `import_not_found`."""
    found = await session.scalar(
        select(Import)
        .where(Import.org_id == session.scope.org, Import.id == import_)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(
            "There is no such import in this organization.",
            code="import_not_found",
            details={"import": str(import_)},
        )
    return found


async def list_imports(session: ReadSession, after: UUID | None, limit: int) -> Sequence[Import]:
    """Imports, the newest first, at most `limit`, following the id `after`."""
    query = select(Import).where(Import.org_id == session.scope.org)
    if after is not None:
        query = query.where(Import.id < after)
    return (await session.scalars(query.order_by(Import.id.desc()).limit(limit))).all()
