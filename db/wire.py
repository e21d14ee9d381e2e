"""One pooled connection as the driver has it: transactions, and prepared statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.prepared import Prepared

Answers = list[tuple[Any, ...]]


class Wire:
    """Speaks on the connection beneath one of SQLAlchemy's, whose errors it raises.

    Both may be used in turn within one transaction.
    """

    def __init__(self, connection: AsyncConnection, driver: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._driver = driver

    @classmethod
    async def open(cls, connection: AsyncConnection) -> Wire:
        """Connects where the pool has no connection left that lives."""
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        return cls(connection, driver)

    async def ask(self, prepared: Prepared, values: Mapping[str, Any]) -> Answers:
        """The rows of a statement; none where it gives none."""
        return await self._execute(prepared.text, prepared.bound(values))

    async def send(self, text: str) -> Answers:
        """Statements without parameters, in one message; the rows of the last."""
        return await self._execute(text.encode(), None)

    async def commit(self) -> None:
        """Ends the transaction well, where one is under way."""
        try:
            await self._driver.commit()
        except psycopg.Error as error:
            raise await self._in_sqlalchemys_words(b"commit", error) from error

    async def _execute(self, text: bytes, values: list[Any] | None) -> Answers:
        try:
            cursor = psycopg.AsyncRawCursor(self._driver)
            await cursor.execute(text, values)
            while cursor.nextset():
                pass
            return [] if cursor.description is None else await cursor.fetchall()
        except psycopg.Error as error:
            raise await self._in_sqlalchemys_words(text, error) from error

    async def _in_sqlalchemys_words(self, text: bytes, error: psycopg.Error) -> DBAPIError:
        """Without the parameters, which may be words; a lost connection leaves the pool."""
        lost = self._driver.closed
        if lost:
            await self._connection.invalidate(error)
        wrapped = DBAPIError.instance(
            text.decode(),
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=self._connection.dialect,
        )
        assert isinstance(wrapped, DBAPIError)
        return wrapped
