"""What a `Teller` needs of the record: look an execution up, and forget what was confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from db.engine import Database
from db.queries import across, lives
from db.scope import Scope

_GATHERED = 0.2
"""Seconds for which confirmations are gathered into one transaction; the relay waits longer."""


class Lives:
    """The record, as the service members of organizations see it. Ids of these are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._scopes: dict[UUID, Scope] = {}
        self._confirmed: dict[UUID, list[tuple[UUID, int]]] = {}
        self._forgetting: asyncio.Task[None] | None = None

    async def scope(self, org: UUID) -> Scope:
        """The organization's service member. Raises NotFound (`organization_not_found`)."""
        known = self._scopes.get(org)
        if known is None:
            async with self._database.unscoped() as connection:
                known = await across.find_organization(connection, str(org))
            self._scopes[org] = known
        return known

    async def stored(self, org: UUID, execution: UUID) -> lives.StoredLife | None:
        """What the record says of an execution; None where there is none."""
        async with self._database.reading(await self.scope(org)) as session:
            return await lives.stored(session, execution)

    async def confirmed(self, org: UUID, execution: UUID, numbers: Sequence[int]) -> None:
        """Let the relay forget what was told; soon, together with what else is confirmed."""
        rows = self._confirmed.setdefault(org, [])
        rows.extend((execution, number) for number in numbers)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.create_task(self._forget_soon())

    async def close(self) -> None:
        """Forget at once what is left; what cannot be forgotten is told again, to no harm."""
        if self._forgetting is not None:
            await asyncio.wait([self._forgetting])
        await self._forget()

    async def _forget_soon(self) -> None:
        while self._confirmed:
            await asyncio.sleep(_GATHERED)
            await self._forget()

    async def _forget(self) -> None:
        waiting, self._confirmed = self._confirmed, {}
        for org, rows in waiting.items():
            async with self._database.transaction(await self.scope(org)) as session:
                await lives.forget_told(session, rows)
