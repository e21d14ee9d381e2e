"""The installation that commands on this machine act on, where no `DATABASE_URL` names another.

`holdfast up` leaves the address of its PostgreSQL in its data directory while it runs. The socket
behind it is open to the server's own user and to root alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from domain.errors import Unavailable
from runtime import settings

DEFAULT_DIRECTORY = Path(".holdfast")
_FILE = "database-url"


def leave_address(directory: Path, url: str) -> None:
    """Write the address for commands; readable by the owner only."""
    descriptor = os.open(directory / _FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as target:
        target.write(url)


def take_address(directory: Path) -> None:
    """Remove the address: nothing runs here any more."""
    (directory / _FILE).unlink(missing_ok=True)


def database_url(environment: Mapping[str, str]) -> str:
    """`DATABASE_URL`, else the installation in `HOLDFAST_DATA_DIR` (.holdfast by default).

    Raises Unavailable (`no_installation`) where neither is there.
    """
    if environment.get("DATABASE_URL"):
        return settings.read_database(environment).url
    directory = Path(environment.get("HOLDFAST_DATA_DIR") or DEFAULT_DIRECTORY)
    try:
        return (directory / _FILE).read_text()
    except OSError:
        raise Unavailable(
            f"No Holdfast runs in {directory}. Start it (make up), name its directory by "
            "HOLDFAST_DATA_DIR, or name a database by DATABASE_URL.",
            code="no_installation",
        ) from None
