"""Parts are started in order, started again when they die, and stopped in reverse order."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.errors import Unavailable
from runtime.embedded import processes
from runtime.embedded.program import Program
from runtime.embedded.supervision import Supervisor

SERVES = "import sys, time, pathlib; pathlib.Path(sys.argv[1]).touch(); time.sleep(120)"
ENDS = "raise SystemExit('the reason why')"
STUBBORN = (
    "import signal, sys, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(120)"
)


def program(directory: Path, name: str, code: str = SERVES) -> Program:
    ready = directory / f"{name}.ready"
    return Program(
        name,
        [sys.executable, "-c", code, ready],
        directory=directory,
        environment=os.environ,
        ready=ready.exists,
    )


def look_until(supervisor: Supervisor, reached: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until, "not reached in time"
        supervisor.look()
        time.sleep(0.05)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(said.append)
    yield made
    made.stop()


def test_starts_in_order_and_stops_in_reverse(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    for name in ("first", "second"):
        supervisor.start(name, program(tmp_path, name), lambda: "somewhere")
    supervisor.stop()
    assert [words.split()[:2] for words in said] == [
        ["first", "somewhere"],
        ["second", "somewhere"],
        ["second", "stopped"],
        ["first", "stopped"],
    ]


def test_starts_together_what_does_not_wait_for_each_other(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    one, other = program(tmp_path, "one"), program(tmp_path, "other")
    supervisor.start_together([("one", one, "here"), ("other", other, "there")])
    assert one.alive and other.alive
    supervisor.stop()
    assert [words.split()[0] for words in said] == ["one", "other", "other", "one"]


def test_stops_what_came_up_beside_a_part_that_failed(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    one, failing = program(tmp_path, "one"), program(tmp_path, "failing", ENDS)
    with pytest.raises(Unavailable):
        supervisor.start_together([("one", one, ""), ("failing", failing, "")])
    supervisor.stop()
    assert not one.alive


def test_starts_a_part_again_that_was_killed(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    part = program(tmp_path, "part")
    supervisor.start("part", part, lambda: "")
    killed = part.pid
    os.kill(killed, signal.SIGKILL)
    look_until(supervisor, lambda: part.alive and part.pid != killed)
    assert any("ended by itself" in words for words in said)
    look_until(supervisor, lambda: any("is back" in words for words in said))


def test_waits_longer_each_time_for_a_part_that_keeps_dying(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    part = program(
        tmp_path,
        "part",
        "import sys, time, pathlib; p = pathlib.Path(sys.argv[1]);"
        "tried = p.exists(); p.touch(); time.sleep(0 if tried else 120)",
    )
    supervisor.start("part", part, lambda: "")
    (tmp_path / "part.ready").write_text("")
    os.kill(part.pid, signal.SIGKILL)
    look_until(supervisor, lambda: sum("starting it again" in words for words in said) == 3)
    waits = [words.split(" in ")[1] for words in said if "starting it again" in words]
    assert waits == ["0.5 s.", "1 s.", "2 s."]


def test_says_why_a_part_did_not_start(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(Unavailable) as failed:
        supervisor.start("part", program(tmp_path, "part", ENDS), lambda: "")
    assert failed.value.code == "program_failed"
    assert "the reason why" in failed.value.message


def test_kills_what_does_not_stop_when_told(tmp_path: Path) -> None:
    part = program(tmp_path, "part", STUBBORN)
    part.start()
    child = processes.recorded(tmp_path / "part.pid")
    assert child is not None
    processes.end(child, (signal.SIGTERM,), grace=0.2)
    assert not part.alive


def test_ends_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    left = program(tmp_path, "part")
    left.start()
    orphan = left.pid
    again = program(tmp_path, "part")
    again.start()
    assert not left.alive
    assert again.alive and again.pid != orphan
    again.stop()
    assert not (tmp_path / "part.pid").exists()
