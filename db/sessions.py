"""What queries are given: a session that may write, or one that can only read.

A `ReadSession` has no way to write and its transaction is READ ONLY, so a query that writes asks
for a `WriteSession`, and handing it the other one is a type error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, TypeVarTuple, overload

from sqlalchemy import Executable, Result, ScalarResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.asyncio.session import AsyncSessionTransaction
from sqlalchemy.sql.selectable import TextualSelect, TypedReturnsRows

from db.models.base import Base
from db.scope import Scope

Ts = TypeVarTuple("Ts")
T = TypeVar("T")
Entity = TypeVar("Entity", bound=Base)
Rows = Result[*tuple[Any, ...]]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class ReadSession:
    """Reads within one transaction and one scope."""

    def __init__(self, session: AsyncSession, scope: Scope) -> None:
        self._session = session
        self.scope = scope

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
        await self._session.flush()

    def savepoint(self) -> AsyncSessionTransaction:
        """`async with session.savepoint():` what fails inside undoes only itself."""
        return self._session.begin_nested()
