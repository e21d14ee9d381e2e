"""Memory of our processes: idle with the demo, and with ten thousand executions that wait."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import psutil

from bench import scenarios
from bench.ours import ours
from bench.servers import resident_bytes, servers
from runtime.embedded.ports import LOOPBACK, free_ports

WAITING = 10_000
_AT_A_TIME = 1_000
_IDLE_SECONDS = 20
_PATIENCE_SECONDS = 300
_MEGABYTE = 1_000_000


async def measure(directory: Path, say: Callable[[str], None]) -> dict[str, float]:
    """Megabytes (10^6 bytes) of resident memory."""
    say("`holdfast up` with the demo, left idle …")
    idle = await asyncio.to_thread(_idle_with_demo, directory / "up")
    say(f"API and worker: {idle}")
    found = {"idle_with_demo_mb": sum(idle.values()), **idle}
    with servers(directory / "waiting") as made:
        async with ours(made) as arm:
            for done in range(0, WAITING, _AT_A_TIME):
                await scenarios.start_many(arm, _AT_A_TIME)
                (api, worker) = (resident_bytes(one) / _MEGABYTE for one in arm.crew.processes)
                say(f"{done + _AT_A_TIME:,} waiting: API {api:.0f} MB, worker {worker:.0f} MB")
            found |= {"worker_waiting_mb": worker, "api_waiting_mb": api}
    return found


def _idle_with_demo(directory: Path) -> dict[str, float]:
    """The product as people start it, idle for a while after it answers."""
    port = free_ports(1)[0]
    up = subprocess.Popen(
        [sys.executable, "-m", "cli", "up", "--data-dir", str(directory), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        env=os.environ,
        start_new_session=True,
    )
    try:
        _wait_until_ready(up, port, directory)
        time.sleep(_IDLE_SECONDS)
        return {
            f"{name}_idle_mb": round(resident_bytes(_child(up, words)) / _MEGABYTE, 1)
            for name, words in (("api", ("cli", "api")), ("worker", ("worker",)))
        }
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(90)


def _wait_until_ready(up: subprocess.Popen[bytes], port: int, directory: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and up.poll() is None:
        try:
            with urlopen(f"http://{LOOPBACK}:{port}/readyz", timeout=2):
                if (directory / "worker.ready").exists():
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise scenarios.Wrong("`holdfast up` did not become ready")


def _child(up: subprocess.Popen[bytes], words: tuple[str, ...]) -> psutil.Process:
    """The child that was started as `python -m WORDS`."""
    for child in psutil.Process(up.pid).children(recursive=True):
        line = child.cmdline()
        if "-m" in line and tuple(line[line.index("-m") + 1 :]) == words:
            return child
    raise scenarios.Wrong(f"there is no process {' '.join(words)}")
