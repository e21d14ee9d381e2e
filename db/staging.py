"""Rows of a file on their way into the record: a temporary table, checked and merged by set.

COPY does not work under row security, so a file is staged where no other session sees it and
merged from there. The table goes with the transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import AsyncConnection
from sqlalchemy import text

from db.sessions import ReadSession, WriteSession

LONGEST_SECONDS = 1800
"""A million rows take about a minute on two cores; a stuck import ends after this."""

_WHILE_STAGED = (
    f"set local statement_timeout = '{LONGEST_SECONDS}s'",
    # whoever sent the file may die; its rows must not be merged to the end first
    "set local client_connection_check_interval = '1s'",
)
_BY_SET = {
    # what this transaction wrote is in no statistics yet: told of few rows, the planner would
    # look up a million of them one by one
    "enable_nestloop": "off",
    "work_mem": "'64MB'",
    "jit": "off",
}
_TABLE = text(
    "create temporary table import_rows"
    " (line integer not null, key text not null, values jsonb not null) on commit drop"
)
_REPEATED = text(
    "select line, count(*) over () from ("
    "  select line, row_number() over (partition by key order by line) as place from import_rows"
    ") as placed where place > 1 order by line limit :most"
)
_ORPHANED = text(
    "select r.line, count(*) over () from import_rows r where not exists ("
    "  select from accounts a where a.org_id = :org and a.external_id = r.values->>'account'"
    ") order by r.line limit :most"
)


@dataclass(frozen=True, slots=True)
class Lines:
    """The first lines at fault, and the number of all."""

    first: tuple[int, ...]
    count: int


async def stage(session: WriteSession, batches: AsyncIterator[bytes]) -> None:
    """Takes batches in COPY's text form: line, key, values as JSON."""
    for setting in _WHILE_STAGED:
        await session.run(text(setting))
    await session.run(_TABLE)
    driver = await _driver(session)
    async with (
        driver.cursor() as cursor,
        cursor.copy("copy import_rows (line, key, values) from stdin") as copy,
    ):
        async for batch in batches:
            await copy.write(batch)
    await session.run(text("analyze import_rows"))


@asynccontextmanager
async def by_set(session: WriteSession) -> AsyncIterator[None]:
    """Statements inside are planned for all staged rows, whatever the planner knows of them."""
    for name, value in _BY_SET.items():
        await session.run(text(f"set local {name} = {value}"))
    yield
    # not where something failed: the transaction is over then, and its settings with it
    for name in _BY_SET:
        await session.run(text(f"set local {name} to default"))


async def repeated_keys(session: ReadSession, most: int) -> Lines:
    """Lines whose key stood on an earlier line."""
    return await _lines(session, _REPEATED, {"most": most})


async def unknown_accounts(session: ReadSession, most: int) -> Lines:
    """Lines of contacts whose account the organization does not have."""
    return await _lines(session, _ORPHANED, {"most": most, "org": session.scope.org})


async def _lines(session: ReadSession, query: object, parameters: dict[str, object]) -> Lines:
    rows = (await session.execute(query, parameters)).all()  # type: ignore[call-overload]
    return Lines(tuple(row[0] for row in rows), rows[0][1] if rows else 0)


async def _driver(session: WriteSession) -> AsyncConnection[tuple[object, ...]]:
    connection = await session._session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, AsyncConnection)
    return driver
