"""`holdfast up`: everything in one command, stopped in order, recovered from any kill."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runtime.embedded import ports, processes
from tests.commands.conftest import Shell
from tests.commands.running import Up, start_up

pytestmark = pytest.mark.timeout(600)

PARTS = ["PostgreSQL", "Temporal", "migrations", "API", "worker"]


def all_gone(found: list[psutil.Process], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    return all(processes.wait_gone(one, max(0.0, until - time.monotonic())) for one in found)


@pytest.fixture
def up() -> Iterator[Up]:
    """A running stack on a directory of its own; whatever is left of it is ended."""
    place = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    started = start_up(place / "data", ports.free_ports(1)[0])
    try:
        started.wait_for("Ready after")
        yield started
    finally:
        started.stop()
        shutil.rmtree(place)


def test_starts_everything_and_refuses_a_second(installation: Shell) -> None:
    up = installation.up
    assert [line.split()[0] for line in up.said.splitlines()[1:6]] == PARTS
    below = up.below()

    second = start_up(up.directory, ports.free_ports(1)[0])
    assert second.process.wait(30) == 1
    assert "[directory_in_use]" in second.said
    assert f"process {up.process.pid}" in second.said
    assert up.answers()
    assert {one.pid for one in up.below()} >= {one.pid for one in below}


def test_each_part_that_is_killed_comes_back_while_the_others_go_on(installation: Shell) -> None:
    up = installation.up
    places = {
        "API": "logs/api.pid",
        "worker": "logs/worker.pid",
        "Temporal": "temporal/temporal.pid",
    }
    killed = {name: up.pid_of(place) for name, place in places.items()}
    killed["PostgreSQL"] = up.postgres_pid()
    before = len(up.said)
    for name, pid in killed.items():
        os.kill(pid, signal.SIGKILL)
        up.wait_for(f"{name} ended by itself", after=before)
        up.wait_for_line(name, "is back", after=before)
    assert all(up.pid_of(place) != killed[name] for name, place in places.items())
    assert up.postgres_pid() != killed["PostgreSQL"]
    assert up.comes_to_answer()


def test_recovers_when_it_is_killed_alone_and_when_everything_is_and_stops_in_order(
    up: Up,
) -> None:
    below = up.below()
    up.process.kill()
    up.process.wait()
    again = start_up(up.directory, up.port)
    try:
        again.wait_for("Ready after")
        assert again.answers()
        assert all_gone(below, 1)

        for one in [psutil.Process(again.process.pid), *again.below()]:
            with contextlib.suppress(psutil.NoSuchProcess):  # the first ones take others along
                one.kill()
        again.process.wait()
        again = start_up(up.directory, up.port)
        again.wait_for("Ready after")
        assert again.answers()

        below = again.below()
        again.process.terminate()
        assert again.process.wait(60) == 0
        stopped = [line.split()[0] for line in again.said.splitlines() if " stopped " in line]
        assert stopped == ["worker", "API", "Temporal", "PostgreSQL"]
        assert all_gone(below, 1)
    finally:
        again.stop()


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = start_up(tmp_path / "data", taken.getsockname()[1])
        assert refused.process.wait(30) == 1
    assert "[port_in_use]" in refused.said
    assert not (tmp_path / "data" / "postgres").exists()
