"""`holdfast up`: the whole product on one machine, in one foreground process."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated
from urllib.request import urlopen

import typer

from commands.installation import leave_address, take_address
from commands.output import fails_plainly
from domain.errors import Conflict, Unavailable
from runtime.embedded import ports, processes
from runtime.embedded.directory_lock import DirectoryLock
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.privileges import server_user
from runtime.embedded.program import Program
from runtime.embedded.supervision import Supervisor, line
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.readiness import READY_FILE
from runtime.temporal_namespace import NAMESPACE

DATABASE = "holdfast"
TOKENS_FILE = "demo-tokens.json"
_LOOK_EVERY_SECONDS = 0.2


class _Stopped(BaseException):
    """SIGTERM or ctrl-C. No error of ours, so that nothing on the way handles it."""


@fails_plainly
def up(
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".holdfast"),
    port: Annotated[int, typer.Option(help="The port of the API.", min=1, max=65535)] = 8000,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Load a demo organization on the first start.")
    ] = True,
) -> None:
    """Start PostgreSQL, Temporal, the API and a worker; ctrl-C stops them in order."""
    os.umask(0o077)  # what we and the children write is for this user alone
    directory = data_dir.absolute()
    lock = DirectoryLock(directory / "up.lock")
    lock.take()
    try:
        _check_port(port)
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        supervisor = Supervisor(_say)
        try:
            _start(supervisor, directory, port, demo)
            while True:
                time.sleep(_LOOK_EVERY_SECONDS)
                supervisor.look()
        except _Stopped:
            _say("Stopping …")
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # waits are bounded; a second one adds
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing and must not cut the order
            take_address(directory)
            supervisor.stop()
    finally:
        lock.release()


def _start(supervisor: Supervisor, directory: Path, port: int, demo: bool) -> None:
    began = time.monotonic()
    _say(f"Holdfast in {directory}")
    postgres = EmbeddedPostgres(directory / "postgres")
    supervisor.start("PostgreSQL", postgres, lambda: _where(postgres))
    postgres.ensure_database(DATABASE)
    temporal = EmbeddedTemporal(directory / "temporal", ui=True)
    logs = directory / "logs"
    environment = _environment(postgres, temporal, directory, port, demo)
    migrating = _Step("migrations", "schema is up to date", ["migrate"], environment, logs)
    supervisor.start("Temporal", temporal, lambda: f"{temporal.address}, {temporal.ui_address}")
    migrating.wait()
    # once more, because Temporal takes other ports where somebody was faster
    environment = _environment(postgres, temporal, directory, port, demo)
    if demo:
        _load_demo(environment, directory)
    api = Program(
        "api",
        _holdfast("api"),
        directory=logs,
        environment=environment,
        ready=lambda: _answers(f"http://{ports.LOOPBACK}:{port}/readyz"),
    )
    ready_file = directory / "worker.ready"
    ready_file.unlink(missing_ok=True)
    worker = Program(
        "worker",
        [sys.executable, "-m", "worker"],
        directory=logs,
        environment=environment | {READY_FILE: str(ready_file)},
        ready=ready_file.exists,
    )
    supervisor.start_together(
        [
            ("API", api, f"http://{ports.LOOPBACK}:{port}/api/v1"),
            ("worker", worker, "carries out deadlines and deliveries"),
        ]
    )
    leave_address(directory, environment["DATABASE_URL"])
    _say(f"Ready after {time.monotonic() - began:.1f} s; logs in {logs}. Ctrl-C stops it.")
    _say(f"  http://{ports.LOOPBACK}:{port}")
    for words in _demo_tokens(directory) if demo else ():
        _say(words)


def _where(postgres: EmbeddedPostgres) -> str:
    user = server_user(postgres.data)
    return f"socket in {postgres.socket_directory}" + (f", as user {user.name}" if user else "")


def _holdfast(*words: str) -> list[str]:
    return [sys.executable, "-m", "cli", *words]


class _Step:
    """One of our commands that runs to its end before what needs it starts."""

    def __init__(
        self, name: str, done: str, words: list[str], environment: dict[str, str], logs: Path
    ) -> None:
        self._name = name
        self._done = done
        self._log = logs / f"{name}.log"
        self._began = time.monotonic()
        self._child = processes.start(_holdfast(*words), log=self._log, env=environment)

    def wait(self) -> None:
        """Until it is done; `Unavailable` (`step_failed`) where it failed."""
        try:
            failed = self._child.wait() != 0
        finally:
            processes.stop(self._child, (signal.SIGTERM,), grace=5)
        if failed:
            raise Unavailable(
                f"The step {self._name} failed; its log {self._log} ends with:\n"
                f"{processes.tail(self._log)}",
                code="step_failed",
            )
        _say(line(self._name, self._done, time.monotonic() - self._began))


def _load_demo(environment: dict[str, str], directory: Path) -> None:
    """The demo organization, once in the life of a database; its tokens are kept beside it."""
    loaded = directory / "postgres" / "demo.loaded"
    if loaded.exists():
        return
    words = ["demo", "--tokens", str(directory / TOKENS_FILE)]
    _Step("demo", "organization is there", words, environment, directory / "logs").wait()
    loaded.touch()


def _demo_tokens(directory: Path) -> Iterator[str]:
    """Who can be tried, each with a token."""
    tokens = directory / TOKENS_FILE
    if not tokens.exists():
        yield "  For a token: holdfast token issue --org … --email …"
        return
    loaded = json.loads(tokens.read_text())
    yield f"  {loaded['name']}, a demo organization; tokens of its members for the API:"
    for one in loaded["tokens"]:
        yield f"    {one['role']:<16} {one['name']:<20} {one['token']}"


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # refused, or an error status: not ready yet
        return False


def _check_port(port: int) -> None:
    if not ports.is_free(port):
        raise Conflict(
            f"Port {port} is taken by another program. Stop it, or choose another: "
            "--port N (make up PORT=N).",
            code="port_in_use",
            details={"port": port},
        )


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _environment(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, directory: Path, port: int, demo: bool
) -> dict[str, str]:
    """What the children get: ours, with both servers being the embedded ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return kept | {
        "DATABASE_URL": postgres.url(DATABASE, user="holdfast_app"),
        "HOLDFAST_ADMIN_DATABASE_URL": postgres.url(DATABASE),
        "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "HOLDFAST_TEMPORAL_UI": temporal.ui_address,
        "HOLDFAST_HOST": ports.LOOPBACK,
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(directory),
        "HOLDFAST_DEMO": "true" if demo else "false",
    }
