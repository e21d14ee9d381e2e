"""`holdfast audit rederive`: live an execution again from its events, and find what was changed.

Speaks to the database itself: whoever doubts the record need not trust the API.
"""

from __future__ import annotations

import asyncio
import os
from typing import Annotated
from uuid import UUID

import typer

from commands.installation import database_url
from commands.output import FAILED, AsJson, fails_plainly, show
from db.engine import Database
from db.queries import across
from db.rederiving import rederive_execution
from domain.playbook.rederive import Rederived


def register(app: typer.Typer) -> None:
    """Add the command to the group `audit`."""
    app.command("rederive")(rederive)


@fails_plainly
def rederive(
    execution: Annotated[UUID, typer.Argument(help="The execution's id.")],
    organization: Annotated[str, typer.Option("--org", help="The organization's id, or its name.")],
    as_json: AsJson = False,
) -> None:
    """Derive every state of an execution again. Exit code 1 where the record disagrees."""
    found = asyncio.run(_rederive(organization, execution))
    fault = found.disagreement
    result = {
        "execution": str(execution),
        "ok": fault is None,
        "agreed": found.agreed,
        "number": fault.number if fault else None,
        "code": fault.code if fault else None,
        "message": fault.message if fault else None,
    }
    if fault is None:
        text = f"All {found.agreed} transitions follow from their events and the definition."
    else:
        text = (
            f"The record disagrees at transition {fault.number} [{fault.code}]. {fault.message} "
            f"The {found.agreed} before it agree."
        )
    show(result, text, as_json=as_json)
    if fault is not None:
        raise typer.Exit(FAILED)


async def _rederive(organization: str, execution: UUID) -> Rederived:
    database = Database(database_url(os.environ))
    try:
        async with database.unscoped() as unscoped:
            scope = await across.find_organization(unscoped, organization)
        async with database.reading(scope) as session:
            return await rederive_execution(session, execution)
    finally:
        await database.close()
