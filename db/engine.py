"""The way to PostgreSQL: pool, transactions with their scope, and failures in our own words.

A transaction begins with one message: BEGIN, its mode and its scope together. For that the driver
runs in autocommit, and the engine's begin event, which Core, ORM and retries all pass, sends the
BEGIN; savepoints, commit and rollback are the driver's as ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import Connection, Executable, Row, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

import db.models.registry  # noqa: F401  a flush orders tables by foreign keys: all must be known
from db.failures import in_our_words
from db.scope import Scope
from db.sessions import ReadSession, WriteSession
from db.urls import for_sqlalchemy

_SCOPE = "holdfast_scope"
_READ_ONLY = "holdfast_read_only"
_UNSCOPED = object()
_AT_ONCE = object()


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
        async with self._begun(scope, read_only=False) as session:
            yield WriteSession(session, scope)
            with in_our_words():
                await session.commit()

    @asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncIterator[ReadSession]:
        """One transaction that sees a committed state and cannot write."""
        async with self._begun(scope, read_only=True) as session:
            yield ReadSession(session, scope)

    @asynccontextmanager
    async def unscoped(self) -> AsyncIterator[AsyncConnection]:
        """One transaction without an organization, which sees no row of any: for the definer
        functions in `db/queries/across.py` alone."""
        with in_our_words():
            async with self.engine.connect() as connection:
                await connection.execution_options(**{_SCOPE: _UNSCOPED})
                await _begin(connection)
                yield connection
                await connection.commit()

    async def at_once(
        self, statement: Executable, parameters: Mapping[str, Any]
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """The rows of one statement that is a transaction by itself, without an organization.

        One message, for what every request asks first; once more on a fresh connection where the
        pooled one turns out to be dead, so only for what may be asked twice.
        """
        with in_our_words():
            try:
                return await self._ask(statement, parameters)
            except (OperationalError, InterfaceError) as error:
                if not error.connection_invalidated:
                    raise
                return await self._ask(statement, parameters)

    async def _ask(
        self, statement: Executable, parameters: Mapping[str, Any]
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        async with self.engine.connect() as connection:
            await connection.execution_options(**{_SCOPE: _AT_ONCE})
            return (await connection.execute(statement, parameters)).all()

    async def close(self) -> None:
        """Gives every connection back to the server."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _begun(self, scope: Scope, *, read_only: bool) -> AsyncIterator[AsyncSession]:
        with in_our_words():
            async with self.engine.connect() as connection:
                await connection.execution_options(**{_SCOPE: scope, _READ_ONLY: read_only})
                await _begin(connection)
                async with AsyncSession(
                    bind=connection, expire_on_commit=False, join_transaction_mode="control_fully"
                ) as session:
                    yield session


async def _begin(connection: AsyncConnection) -> None:
    """Begins, once more on a fresh connection where the pooled one turns out to be dead."""
    try:
        await connection.begin()
    except (OperationalError, InterfaceError) as error:
        if not error.connection_invalidated:
            raise
        await connection.rollback()
        await connection.begin()


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
    event.listen(engine.sync_engine, "begin", _begin_with_scope)
    return engine


def _begin_with_scope(connection: Connection) -> None:
    options = connection.get_execution_options()
    scope = options.get(_SCOPE)
    if scope is _AT_ONCE:
        return  # the driver's autocommit makes the statement a transaction
    if scope is _UNSCOPED:
        _send(connection, "begin")
        return
    if not isinstance(scope, Scope):
        raise ScopeMissing("Begin transactions by Database.transaction or Database.reading.")
    mode = "read only" if options.get(_READ_ONLY) else "read write"
    # both are UUIDs, so that quoting is not a question and everything goes in one message
    _send(
        connection,
        f"begin {mode}; select set_config('app.org', '{scope.org}', true),"
        f" set_config('app.member', '{scope.member}', true)",
    )


def _send(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)


def to_json(value: Any) -> bytes:
    """JSON as the driver sends it; bytes are taken for JSON that was written before."""
    if isinstance(value, bytes):
        return value
    return orjson.dumps(value)
