"""`holdfast up` in a process of its own, on a directory of its own, as tests run it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

from runtime.embedded import processes

_LOOK_EVERY_SECONDS = 0.05


@dataclass
class Up:
    """One running `holdfast up`, what it said, and the processes below it."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, words: str, seconds: float = 180, *, after: int = 0) -> None:
        """Until it says so; `after` is how much it had said before."""
        until = time.monotonic() + seconds
        while words not in self.said[after:]:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < until, self.said
            time.sleep(_LOOK_EVERY_SECONDS)

    def wait_for_line(self, name: str, words: str, seconds: float = 180, *, after: int = 0) -> None:
        until = time.monotonic() + seconds
        while not any(
            line.split()[:1] == [name] and words in line for line in self.said[after:].splitlines()
        ):
            assert time.monotonic() < until, self.said
            time.sleep(_LOOK_EVERY_SECONDS)

    def postgres_pid(self) -> int:
        words = (self.directory / "postgres/data/postmaster.pid").read_text()
        return int(words.split("\n")[0])

    def comes_to_answer(self, seconds: float = 20) -> bool:
        until = time.monotonic() + seconds
        while not self.answers() and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_SECONDS)
        return self.answers()

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def pid_of(self, part: str) -> int:
        found = processes.recorded(self.directory / part)
        assert found is not None
        return found.pid

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


def start_up(directory: Path, port: int) -> Up:
    """Start it, without waiting; without the demo."""
    output = directory.with_name(f"said-{time.monotonic_ns()}")
    with output.open("wb") as target:
        place = ["--data-dir", str(directory), "--port", str(port)]
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--no-demo", *place],
            stdout=target,
            stderr=subprocess.STDOUT,
        )
    return Up(directory, port, process, output)
