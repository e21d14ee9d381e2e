"""Child processes that end with us, are found again after a hard kill, and stop within bounds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from runtime.embedded import tether

_LOG_LIMIT_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user of the operating system that a child runs as."""

    name: str
    uid: int
    gid: int


def start(
    argv: Sequence[str | Path],
    *,
    log: Path,
    pid_file: Path | None = None,
    user: SystemUser | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to `log`.

    It gets `death_signal` when the calling thread's process dies (Linux), and `pid_file` lets the
    next start find it where that did not help. Ctrl-C in the terminal does not reach it: whoever
    started it stops it, in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".previous.log"))
    uid, gid = (user.uid, user.gid) if user else (-1, -1)
    launcher = [sys.executable, "-I", "-S", tether.__file__]
    words = [str(word) for word in (os.getpid(), int(death_signal), uid, gid, *argv)]
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*launcher, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )
    if pid_file is not None:
        record(pid_file, child.pid)
    return child


def record(pid_file: Path, pid: int) -> None:
    """Write who runs: pid and start time together name one process, also after pids wrap."""
    try:
        born = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    pid_file.write_text(json.dumps({"pid": pid, "born": born}))


def recorded(pid_file: Path) -> psutil.Process | None:
    """The process a pid file names, if that very process still runs."""
    try:
        entry = json.loads(pid_file.read_text())
        process = psutil.Process(int(entry["pid"]))
        if abs(process.create_time() - float(entry["born"])) > 1 or _is_dead(process):
            return None
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None
    return process


def end_recorded(pid_file: Path, *, grace: float = 10) -> bool:
    """End the process a pid file names, if it still runs; True if there was one. Seconds."""
    process = recorded(pid_file)
    if process is not None:
        end(process, (signal.SIGTERM,), grace=grace)
    pid_file.unlink(missing_ok=True)
    return process is not None


def end(process: psutil.Process, signals: Sequence[signal.Signals], *, grace: float) -> None:
    """Send each signal in turn, waiting `grace` seconds after each, then kill."""
    for step in (*signals, signal.SIGKILL):
        try:
            process.send_signal(step)
        except psutil.NoSuchProcess:
            return
        if wait_gone(process, grace):
            return


def wait_gone(process: psutil.Process, seconds: float) -> bool:
    """True as soon as the process has ended; a zombie has."""
    until = time.monotonic() + seconds
    while not _is_dead(process):
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True


def stop(
    child: subprocess.Popen[bytes], signals: Sequence[signal.Signals], *, grace: float
) -> int | None:
    """Stop our own child, harder after each `grace` seconds; its exit code."""
    for step in (*signals, signal.SIGKILL):
        if child.poll() is not None:
            break
        child.send_signal(step)
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            continue
    return child.poll()


def working_in(directory: Path) -> list[psutil.Process]:
    """Processes with this working directory: how PostgreSQL's server and backends are known."""
    found = []
    for process in psutil.process_iter():
        try:
            if not _is_dead(process) and Path(process.cwd()) == directory:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log, for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as source:
        source.seek(max(0, log.stat().st_size - 8_192))
        return "\n".join(source.read().decode(errors="replace").splitlines()[-lines:])


def _is_dead(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
