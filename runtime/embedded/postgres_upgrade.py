"""A data directory of an older PostgreSQL becomes one of ours, by pg_upgrade, at a start.

The old directory is copied, never linked, and is kept beside the new one. A kill at any moment
leaves either the old data in place or a finished copy that the next start puts in its place.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from domain.errors import Conflict
from runtime.embedded import privileges
from runtime.embedded.postgres_tools import (
    MAJOR,
    SUPERUSER,
    binaries,
    initialize,
    major_of,
    run_tool,
)
from runtime.embedded.processes import SystemUser

_log = logging.getLogger(__name__)


def upgrade(data: Path, found: int, *, user: SystemUser | None, log: Path) -> None:
    """Upgrade from major version `found`, whose programs must be here; the old data is kept.

    Raises `Conflict` (`postgres_upgrade_in_way`) and `Unavailable` (`postgres_tool_failed`);
    after either the old data is as it was.
    """
    kept = _kept(data, found)
    if kept.exists():
        raise Conflict(
            f"{kept} is in the way: an earlier upgrade kept its old data there. "
            "Delete it if that upgrade is good, and start again.",
            code="postgres_upgrade_in_way",
        )
    privileges.open_tree(binaries(found).parent, user)
    making = data.with_name("data.upgrading")
    shutil.rmtree(making, ignore_errors=True)
    privileges.give(making, user)
    _close_cleanly(data, found, user, log)
    # the password is a placeholder: pg_upgrade brings the roles with theirs
    checksums = _has_checksums(data, found)
    initialize(making, user, log, secrets.token_urlsafe(), major=MAJOR, checksums=checksums)
    with _scratch(user) as scratch:
        run_tool(
            [
                binaries(MAJOR) / "pg_upgrade",
                f"--old-bindir={binaries(found)}",
                f"--new-bindir={binaries(MAJOR)}",
                f"--old-datadir={data}",
                f"--new-datadir={making}",
                f"--username={SUPERUSER}",
                f"--socketdir={scratch}",
            ],
            user=user,
            log=log,
            cwd=Path(scratch),
        )
    making.rename(_finished(data))
    finish(data)


def finish(data: Path) -> None:
    """Put a finished upgrade in its place, if there is one; safe to repeat after a kill."""
    finished = _finished(data)
    if not finished.exists():
        return
    found = major_of(data)
    if found is not None:
        data.rename(_kept(data, found))
        _log.warning(
            "upgraded PostgreSQL %s to %s; the old data is kept in %s until you delete it",
            found,
            MAJOR,
            _kept(data, found),
        )
    finished.rename(data)


def _close_cleanly(data: Path, found: int, user: SystemUser | None, log: Path) -> None:
    """Let the old server recover and shut down, because pg_upgrade refuses a crashed directory."""
    control = binaries(found) / "pg_ctl"
    with _scratch(user) as scratch:
        options = f"-c listen_addresses= -c unix_socket_directories={scratch}"
        ours: list[str | Path] = ["-D", data, "-w", "-t", "600"]
        run_tool([control, "start", *ours, "-o", options], user=user, log=log, cwd=Path(scratch))
        run_tool([control, "stop", *ours, "-m", "fast"], user=user, log=log, cwd=Path(scratch))


def _has_checksums(data: Path, found: int) -> bool:
    control = subprocess.run(
        [binaries(found) / "pg_controldata", data],
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in control.stdout.splitlines() if "checksum version" in line)
    return line.rpartition(":")[2].strip() != "0"


def _scratch(user: SystemUser | None) -> tempfile.TemporaryDirectory[str]:
    made = tempfile.TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True)
    privileges.give(Path(made.name), user)
    return made


def _kept(data: Path, found: int) -> Path:
    return data.with_name(f"data.postgres-{found}")


def _finished(data: Path) -> Path:
    return data.with_name("data.upgraded")
