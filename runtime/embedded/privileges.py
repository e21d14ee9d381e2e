"""PostgreSQL refuses to run as root: which user it runs as then, and what that user must reach."""

from __future__ import annotations

import logging
import os
import pwd
import stat
from pathlib import Path

from domain.errors import Unavailable
from runtime.embedded.processes import SystemUser

_log = logging.getLogger(__name__)
_CANDIDATES = ("holdfast", "postgres", "nobody")


def server_user(directory: Path) -> SystemUser | None:
    """The user the server runs as; None where we are not root and it runs as ourselves.

    The owner of an existing directory stays; a new one goes to the first of holdfast, postgres,
    nobody that the machine knows.
    """
    if os.geteuid() != 0:
        return None
    if directory.exists() and directory.stat().st_uid != 0:
        entry = pwd.getpwuid(directory.stat().st_uid)
        return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Unavailable(
        "PostgreSQL does not run as root, and this machine has no user holdfast, postgres or "
        "nobody. Make one with `useradd holdfast`, or run as a user other than root.",
        code="postgres_needs_user",
    )


def give(path: Path, user: SystemUser | None) -> None:
    """Hand one directory to the server's user, closed to everybody else."""
    path.mkdir(parents=True, exist_ok=True)
    if user is not None:
        os.chown(path, user.uid, user.gid)
    path.chmod(0o700)


def open_way(path: Path, user: SystemUser | None) -> None:
    """Let the server's user pass through the parents of a path, without reading them."""
    if user is None:
        return
    for parent in path.resolve().parents:
        mode = parent.stat()
        if mode.st_uid != user.uid and not mode.st_mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode.st_mode) | stat.S_IXOTH)
            _log.info("let other users pass through %s, for PostgreSQL under root", parent)


def open_tree(root: Path, user: SystemUser | None) -> None:
    """Let the server's user read and run the shipped binaries, whatever umask installed them."""
    if user is None:
        return
    open_way(root, user)
    for path in (root, *root.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)
