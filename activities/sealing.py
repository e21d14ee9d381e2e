"""The sealer: chains each organization's new audit entries within a second (law 14)."""

from __future__ import annotations

from db.engine import Database
from db.queries import across
from db.sealing import seal

PAUSE = 0.4
"""Seconds between rounds, so that an entry is sealed within a second of its commit."""


class Sealer:
    """One sealer; any number may run, because one at a time works on an organization."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def round(self) -> bool:
        """Seal what is unsealed; there is no need to be called again at once."""
        async with self._database.unscoped() as connection:
            scopes = await across.organizations_with(connection, "seal")
        for scope in scopes:
            await seal(self._database, scope)
        return False
