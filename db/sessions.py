"""What queries are given: a session that may write, or one that can only read.

Prepared statements go straight to the driver; all else goes through the ORM's session, which is
made where it is first wanted.
A `ReadSession` has no way to write and its transaction is READ ONLY, so a query that writes asks
for a `WriteSession`, and handing it the other one is a type error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple, overload

from sqlalchemy import Executable, Result, ScalarResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.ext.asyncio.session import AsyncSessionTransaction
from sqlalchemy.sql.selectable import TextualSelect, TypedReturnsRows

from db.models.base import Base
from db.prepared import Prepared
from db.scope import Scope
from db.wire import Answers, Wire

Ts = TypeVarTuple("Ts")
T = TypeVar("T")
Entity = TypeVar("Entity", bound=Base)
Rows = Result[*tuple[Any, ...]]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class ReadSession:
    """Reads within one transaction and one scope."""

    def __init__(self, connection: AsyncConnection, wire: Wire, scope: Scope) -> None:
        self._connection = connection
        self._wire = wire
        self._orm: AsyncSession | None = None
        self.scope = scope

    @property
    def _session(self) -> AsyncSession:
        if self._orm is None:
            self._orm = AsyncSession(bind=self._connection, expire_on_commit=False)
        return self._orm

    async def ask(self, prepared: Prepared, values: Mapping[str, Any]) -> Answers:
        """The rows of a prepared statement, with its parameters by name."""
        if self._orm is not None:
            await self._orm.flush()
        return await self._wire.ask(prepared, values)

    async def close(self) -> None:
        """Lets go of entities; what was not committed is undone where the transaction was begun."""
        if self._orm is not None:
            await self._orm.close()

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Ts], parameters: Parameters | None = None
    ) -> Result[*Ts]: ...

    @overload
    async def execute(
        self, statement: TextualSelect, parameters: Parameters | None = None
    ) -> Rows: ...

    async def execute(self, statement: Any, parameters: Parameters | None = None) -> Any:
        """The rows of a statement."""
        return await self._session.execute(statement, parameters)

    async def scalars(
        self, statement: TypedReturnsRows[T], parameters: Parameters | None = None
    ) -> ScalarResult[T]:
        """The first column of every row; entities where entities were selected."""
        return await self._session.scalars(statement, parameters)

    async def scalar(
        self, statement: TypedReturnsRows[T], parameters: Parameters | None = None
    ) -> T | None:
        """The first column of the first row."""
        return await self._session.scalar(statement, parameters)

    async def get(self, entity: type[Entity], *key: object) -> Entity | None:
        """The row of this organization with the rest of the primary key `key`."""
        return await self._session.get(entity, (self.scope.org, *key))


class WriteSession(ReadSession):
    """Reads and writes; its transaction commits when the block that made it ends well."""

    async def commit(self) -> None:
        """Ends the transaction well; for the block that began it alone."""
        if self._orm is not None:
            await self._orm.commit()
        await self._wire.commit()

    async def run(self, statement: Executable, parameters: Parameters | None = None) -> Rows:
        """Carries out any statement: insert, update, delete."""
        return await self._session.execute(statement, parameters)

    def add(self, *entities: Base) -> None:
        """New rows, written at the next flush or at the commit."""
        self._session.add_all(entities)

    async def delete(self, entity: Base) -> None:
        await self._session.delete(entity)

    async def flush(self) -> None:
        """Writes what was added or changed, so that statements see it."""
        if self._orm is not None:
            await self._orm.flush()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[AsyncSessionTransaction]:
        """`async with session.savepoint():` what fails inside undoes only itself."""
        async with self._session.begin_nested() as begun:
            # else it would be sent with the ORM's first statement, behind prepared ones
            await self._session.connection()
            yield begun
