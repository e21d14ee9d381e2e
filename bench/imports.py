"""A million accounts through a real API: `python -m bench.imports [--rows N]`.

Says seconds, rows a second and the memory of the API process, and how fast it answered others
meanwhile; then the same file again, which changes nothing. The file is made in a temporary
directory; memory in MB of 10^6 bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.servers import crew, resident_bytes, servers
from runtime.embedded.ports import LOOPBACK, free_ports

MAPPING = Path(__file__).parents[1] / "docs/examples/mappings/ravenstack-accounts.yaml"
COLUMNS = (
    "account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,"
    "is_trial,churn_flag"
)
ASKED = ("/healthz", "/readyz", "/api/v1/inbox")
_LOOK_EVERY_SECONDS = 0.2


@dataclass
class Beside:
    """What goes on beside an import: memory of the API, and answers to somebody else."""

    url: str
    token: str
    api: psutil.Process
    peak: int = 0
    seconds: dict[str, list[float]] = field(default_factory=lambda: {path: [] for path in ASKED})
    failed: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60) as client:
            while not self.over.wait(_LOOK_EVERY_SECONDS):
                self.peak = max(self.peak, resident_bytes(self.api))
                for path in ASKED:
                    began = time.perf_counter()
                    self.failed += not client.get(path).is_success
                    self.seconds[path].append(time.perf_counter() - began)

    def said(self) -> str:
        lines = []
        for path, seconds in self.seconds.items():
            found = sorted(seconds)
            p50, p99 = (found[int(len(found) * part)] * 1000 for part in (0.5, 0.99))
            lines.append(
                f"  meanwhile {path}: {len(found)} answers, p50 {p50:.0f} ms, p99 {p99:.0f} ms, "
                f"longest {found[-1] * 1000:.0f} ms"
            )
        return "\n".join([*lines, f"  not answered well: {self.failed}"])


def write_file(path: Path, rows: int) -> None:
    """A file of the shape of RavenStack's accounts."""
    industries, plans = ("EdTech", "FinTech", "DevTools"), ("Basic", "Pro", "Enterprise")
    with path.open("w") as file:
        file.write(COLUMNS + "\n")
        for i in range(rows):
            date = f"{i % 28 + 1}/{i % 12 + 1}/{2023 + i % 2}"
            flags = f"{str(i % 7 == 0).upper()},{str(i % 5 == 0).upper()}"
            file.write(
                f"A-{i:07x},Company_{i},{industries[i % 3]},US,{date},partner,{plans[i % 3]},"
                f"{i % 200 + 1},{flags}\n"
            )


def holdfast(environment: dict[str, str], *words: str) -> str:
    """What one of our commands prints."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def measure(file: Path, rows: int, environment: dict[str, str], api: psutil.Process) -> str:
    """One import by the command line, and what went on beside it."""
    beside = Beside(environment["HOLDFAST_URL"], environment["HOLDFAST_TOKEN"], api)
    before = resident_bytes(api)
    watching = threading.Thread(target=beside.watch)
    watching.start()
    began = time.perf_counter()
    try:
        said = holdfast(environment, "import", str(file), "--mapping", str(MAPPING))
        took = time.perf_counter() - began
    finally:
        beside.over.set()
        watching.join()
    return (
        f"{said}\n  {took:.1f} s, {rows / took:,.0f} rows/s; API before {before / 1e6:.0f} MB, "
        f"at most {beside.peak / 1e6:.0f} MB\n{beside.said()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as made,
        servers(Path(made)) as running,
    ):
        directory = Path(made)
        running.postgres.ensure_database("holdfast")
        url = running.postgres.url("holdfast", user="holdfast_app")
        (port,) = free_ports(1)
        environment = running.environment(url, {"HOLDFAST_URL": f"http://{LOOPBACK}:{port}"})
        admin = {"HOLDFAST_ADMIN_DATABASE_URL": running.postgres.url("holdfast")}
        holdfast(environment | admin, "migrate")
        words = (["-m", "cli", "api"], ["-m", "worker"])
        with crew("imports", directory, port, *words, environment) as processes:
            person = ("--org", "Acme", "--email", "ann@acme.example")
            holdfast(environment, "org", "create", "--name", "Acme")
            roles = ("--role", "ops", "--role", "csm")
            holdfast(environment, "member", "add", *person, "--name", "Ann", *roles)
            token = holdfast(environment, "token", "issue", *person)
            file = directory / "accounts.csv"
            write_file(file, rows)
            print(f"{rows:,} rows, {file.stat().st_size / 1e6:.0f} MB; load {os.getloadavg()[0]}")
            for _ in range(2):
                given = environment | {"HOLDFAST_TOKEN": token}
                print(measure(file, rows, given, psutil.Process(processes.api.pid)), flush=True)


if __name__ == "__main__":
    main()
