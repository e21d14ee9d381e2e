"""`holdfast demo`: the demo organization, for somebody's first look; `holdfast up` calls it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from commands.output import AsJson, fails_plainly, show
from db.engine import Database
from demo.company import NAME
from demo.load import DemoToken, Loaded, load
from runtime import settings


@fails_plainly
def demo(
    tokens: Annotated[Path, typer.Option(help="Where the tokens of its members are written.")],
    as_json: AsJson = False,
) -> None:
    """Load the demo organization where it is missing; one that is there stays as it is."""

    async def run() -> Loaded:
        database = Database(settings.read_database(os.environ).url, pool_size=2)
        try:
            return await load(
                database, datetime.now(UTC), keep=lambda issued: _write(tokens, issued)
            )
        finally:
            await database.close()

    loaded = asyncio.run(run())
    result = {
        "organization": str(loaded.organization),
        "name": loaded.name,
        "accounts": loaded.accounts,
        "executions": loaded.executions,
    }
    said = f"{loaded.name}: {loaded.accounts} accounts, {loaded.executions} executions"
    show(result, said if loaded.made else f"{loaded.name} is there", as_json=as_json)


def _write(path: Path, issued: Sequence[DemoToken]) -> None:
    """Whole or not at all, and for this user alone."""
    content = {
        "name": NAME,
        "tokens": [
            {"role": one.role, "name": one.name, "email": one.email, "token": one.text}
            for one in issued
        ],
    }
    half = path.with_suffix(".half")
    with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    half.replace(path)
