"""The two servers and the processes of an arm, real and durable, in one directory."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

from runtime.embedded.ports import LOOPBACK
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.program import Program
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.readiness import READY_FILE


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL with synchronous_commit=on; Temporal on a file, written ahead and synced."""

    directory: Path
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal

    @property
    def processes(self) -> list[psutil.Process]:
        """Both servers with their children."""
        server = psutil.Process(self.postgres.pid)
        return [server, *server.children(recursive=True), psutil.Process(self.temporal.pid)]

    def environment(self, database_url: str, more: Mapping[str, str]) -> dict[str, str]:
        """What a process of ours needs to reach them.

        Compiled modules are kept, as they are where it is installed: the sandbox of a workflow
        imports its module for each workflow, and would compile it each time.
        """
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL")
        }
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | {
            "PYTHONPYCACHEPREFIX": str(self.directory / "compiled"),
            "DATABASE_URL": database_url,
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_NAMESPACE": self.temporal.namespace,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "HOLDFAST_HOST": LOOPBACK,
            **more,
        }


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """Both servers, stopped at the end."""
    with (
        EmbeddedPostgres(directory / "postgres") as postgres,
        EmbeddedTemporal(directory / "temporal") as temporal,
    ):
        yield Servers(directory, postgres, temporal)


@dataclass(frozen=True, slots=True)
class Crew:
    """The API and the worker of one arm."""

    api: Program
    worker: Program
    port: int

    @property
    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self.api.pid), psutil.Process(self.worker.pid)]

    def rest(self) -> None:
        """Hold both processes, so that they take nothing from the other arm's turn."""
        for process in self.processes:
            process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)


@contextmanager
def crew(
    name: str,
    directory: Path,
    port: int,
    api: Sequence[str],
    worker: Sequence[str],
    environment: Mapping[str, str],
) -> Iterator[Crew]:
    """An API and a worker process, ready; stopped at the end, the worker first."""
    given = {**environment, "HOLDFAST_PORT": str(port)}
    ready = directory / f"{name}.ready"
    with ExitStack() as stack:
        programs = []
        for part, words, more, is_ready in (
            ("api", api, {}, lambda: _answers(f"http://{LOOPBACK}:{port}/readyz")),
            ("worker", worker, {READY_FILE: str(ready)}, ready.exists),
        ):
            program = Program(
                f"{name}-{part}",
                [sys.executable, *words],
                directory=directory,
                environment=given | more,
                ready=is_ready,
            )
            program.start()
            stack.callback(program.stop)
            programs.append(program)
        made = Crew(programs[0], programs[1], port)
        stack.callback(_let_stop, made)
        yield made


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system seconds so far, with those of children that ended."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(process: psutil.Process) -> int:
    """Memory of a process that is in use now, shared pages counted fully."""
    return int(process.memory_info().rss)


def _let_stop(made: Crew) -> None:
    """A process that was held cannot end by SIGTERM."""
    if made.api.alive and made.worker.alive:
        made.go_on()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
