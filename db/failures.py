"""Failures of the database in our own words: the one place that knows SQLSTATE codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import Unavailable

_BUSY = frozenset({"55P03", "40P01", "40001", "57014"})  # lock, deadlock, serialization, timeout


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turns a lost, full or overloaded database into Unavailable; other errors pass."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(
            "Every database connection is in use. Send the same request again in a moment.",
            code="database_busy",
        ) from error
    except DBAPIError as error:
        ours = _translated(error)
        if ours is None:
            raise
        raise ours from error


def _translated(error: DBAPIError) -> Unavailable | None:
    state = error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None
    if state in _BUSY:
        return Unavailable(
            "The database was held up by other work. Send the same request again.",
            code="database_busy",
            details={"sqlstate": state},
        )
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return Unavailable(
            "The database cannot be reached. Send the same request again in a moment.",
            code="database_unavailable",
            details={"sqlstate": state} if state else None,
        )
    return None
