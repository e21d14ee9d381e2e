"""One of our own programs as a supervised child: the API, a worker."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from domain.errors import Unavailable
from runtime.embedded import processes

_STOP_GRACE_SECONDS = 20.0


class Program:
    """A child that is started, asked whether it is ready, and stopped by SIGTERM within bounds."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        directory: Path,
        environment: Mapping[str, str],
        ready: Callable[[], bool],
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self._argv = tuple(argv)
        self._environment = dict(environment)
        self._ready = ready
        self._pid_file = directory / f"{name}.pid"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout: float = 120) -> None:
        """Launch it and wait until it is ready. Seconds.

        Raises `Unavailable` (`program_failed`) with the end of its log.
        """
        self.launch()
        try:
            self.wait_ready(timeout=timeout)
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        """End what a hard kill left, and start, without waiting."""
        processes.end_recorded(self._pid_file)
        self._child = processes.start(
            self._argv, log=self.log, pid_file=self._pid_file, env=self._environment
        )

    def stop(self) -> None:
        """Let it finish what it is at, for a bounded time."""
        if self._child is not None:
            processes.stop(self._child, (signal.SIGTERM,), grace=_STOP_GRACE_SECONDS)
            self._child = None
        self._pid_file.unlink(missing_ok=True)

    def restart(self, *, timeout: float = 120) -> None:
        """Start again after it died."""
        self.start(timeout=timeout)

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise Unavailable(f"The {self.name} is not running; call start() first.")
        return self._child.pid

    def wait_ready(self, *, timeout: float = 120) -> None:
        """Until it serves. Seconds; raises `Unavailable` (`program_failed`)."""
        until = time.monotonic() + timeout
        while self.alive and time.monotonic() < until:
            if self._ready():
                return
            time.sleep(0.05)
        raise Unavailable(
            f"The {self.name} did not start; its log {self.log} ends with:\n"
            f"{processes.tail(self.log)}",
            code="program_failed",
        )
