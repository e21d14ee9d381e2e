"""The way to PostgreSQL: pool, transactions with their scope, and failures in our own words.

A transaction begins with one message: BEGIN, its mode and its scope together. For that the driver
runs in autocommit and the BEGIN is ours; what SQLAlchemy would begin by itself is refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson
import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import db.models.registry  # noqa: F401  a flush orders tables by foreign keys: all must be known
from db.failures import in_our_words
from db.prepared import Prepared
from db.scope import Bearer, Scope
from db.sessions import ReadSession, WriteSession
from db.urls import for_sqlalchemy
from db.wire import Answers, Wire

T = TypeVar("T")


class ScopeMissing(RuntimeError):
    """A transaction was begun without saying whose data it is about: a fault of ours."""


class Database:
    """One pool of connections as the app role.

    `pool_timeout`, `statement_timeout` and `lock_timeout` in seconds; a transaction left idle
    for 30 s ends.
    Each way in raises Unavailable where the database cannot be reached or is too busy; an
    Unavailable from the commit leaves open whether it happened, so repeat with the same event id.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_timeout: float = 10,
        statement_timeout: float = 30,
        lock_timeout: float = 10,
        connect_timeout: int = 5,
        application: str = "holdfast",
    ) -> None:
        self._pool_size = pool_size
        self.engine = _engine(
            url,
            pool_size=pool_size,
            pool_timeout=pool_timeout,
            options={
                "statement_timeout": f"{int(statement_timeout * 1000)}",
                "lock_timeout": f"{int(lock_timeout * 1000)}",
                "idle_in_transaction_session_timeout": "30000",
                "timezone": "UTC",
            },
            connect_timeout=connect_timeout,
            application=application,
        )

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[WriteSession]:
        """One transaction that may write: committed when the block ends well, else undone."""
        async with self._begun(_scoped("read write", scope)) as (connection, wire, _):
            session = WriteSession(connection, wire, scope)
            try:
                yield session
                with in_our_words():
                    await session.commit()
            finally:
                await session.close()

    @asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncIterator[ReadSession]:
        """One transaction that sees a committed state and cannot write."""
        async with self._begun(_scoped("read only", scope)) as (connection, wire, _):
            session = ReadSession(connection, wire, scope)
            try:
                yield session
            finally:
                await session.close()

    @asynccontextmanager
    async def entered(
        self, sha256: bytes, *, writes: bool
    ) -> AsyncIterator[tuple[Bearer, WriteSession] | None]:
        """A transaction in the scope of who bears the token with this hash: who it is, and the
        session, which can only read unless `writes`. None where the token is not valid.
        """
        mode = "read write" if writes else "read only"
        begin = f"begin {mode}; select * from app.enter('\\x{sha256.hex()}')"
        async with self._begun(begin) as (connection, wire, rows):
            if not rows:
                yield None
                return
            [(token, org, member, roles, scopes, unseen)] = rows
            scope = Scope(org, member)
            session = WriteSession(connection, wire, scope)
            try:
                yield Bearer(token, scope, tuple(roles), tuple(scopes), unseen), session
                if writes:
                    with in_our_words():
                        await session.commit()
            finally:
                await session.close()

    @asynccontextmanager
    async def unscoped(self) -> AsyncIterator[AsyncConnection]:
        """One transaction without an organization, which sees no row of any: for the definer
        functions in `db/queries/across.py` alone."""
        async with self._begun("begin") as (connection, _, _):
            yield connection
            await connection.commit()

    async def at_once(self, prepared: Prepared, values: Mapping[str, Any]) -> Answers:
        """The rows of one statement that is a transaction by itself, without an organization.

        One message, for what every request asks first; said again where the pooled connection
        turns out to be dead, so only for what may be asked twice.
        """
        with in_our_words():
            async with self.engine.connect() as connection:
                _, answers = await self._say_first(connection, lambda w: w.ask(prepared, values))
                return answers

    async def close(self) -> None:
        """Gives every connection back to the server."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _begun(self, begin: str) -> AsyncIterator[tuple[AsyncConnection, Wire, Answers]]:
        with in_our_words():
            async with self.engine.connect() as connection:
                wire, rows = await self._say_first(connection, lambda wire: wire.send(begin))
                yield connection, wire, rows

    async def _say_first(
        self, connection: AsyncConnection, say: Callable[[Wire], Awaitable[T]]
    ) -> tuple[Wire, T]:
        """Say it on the pooled connection, or on the next one where that turns out to be dead;
        after a restart of the server all of them are."""
        for _ in range(self._pool_size):
            wire = await Wire.open(connection)
            try:
                return wire, await say(wire)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
        wire = await Wire.open(connection)
        return wire, await say(wire)


def _scoped(mode: str, scope: Scope) -> str:
    """Both are UUIDs, so that quoting is not a question and everything goes in one message."""
    return (
        f"begin {mode}; select set_config('app.org', '{scope.org}', true),"
        f" set_config('app.member', '{scope.member}', true)"
    )


def _engine(
    url: str,
    *,
    pool_size: int,
    pool_timeout: float,
    options: dict[str, str],
    connect_timeout: int,
    application: str,
) -> AsyncEngine:
    engine = create_async_engine(
        for_sqlalchemy(url),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_use_lifo=True,
        json_serializer=to_json,
        json_deserializer=orjson.loads,
        query_cache_size=1000,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            "connect_timeout": connect_timeout,
            "application_name": application,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            # prepared when asked a second time: planning the one statement that writes a
            # transition costs more than running it
            "prepare_threshold": 1,
        },
    )
    event.listen(engine.sync_engine, "begin", _refuse_unless_begun)
    return engine


def _refuse_unless_begun(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    if driver.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
        raise ScopeMissing("Begin transactions by Database.transaction or Database.reading.")


def to_json(value: Any) -> bytes:
    """JSON as the driver sends it; bytes are taken for JSON that was written before."""
    if isinstance(value, bytes):
        return value
    return orjson.dumps(value)
