"""The same code against servers of one's own: one API and two workers as separate processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest

from runtime.embedded import ports
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.program import Program
from runtime.embedded.temporal import EmbeddedTemporal

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    yield made
    shutil.rmtree(made)


def holdfast(environment: dict[str, str], *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_one_api_and_two_workers_serve_from_external_servers(place: Path) -> None:
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(place / "postgres", tcp=True))
        temporal = stack.enter_context(EmbeddedTemporal(place / "temporal"))
        postgres.ensure_database("holdfast")
        port = ports.free_ports(1)[0]
        environment = os.environ | {
            "DATABASE_URL": f"postgresql://holdfast_app:secret@127.0.0.1:{postgres.port}/holdfast",
            "TEMPORAL_ADDRESS": temporal.address,
            "HOLDFAST_PORT": str(port),
        }
        admin = {"HOLDFAST_ADMIN_DATABASE_URL": postgres.tcp_url("holdfast")}
        holdfast(environment | admin, "migrate")

        def api_serves() -> bool:
            try:
                with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        ready = [place / "first.ready", place / "second.ready"]
        programs = [
            Program(
                "api",
                [sys.executable, "-m", "cli", "api"],
                directory=place,
                environment=environment,
                ready=api_serves,
            ),
            *(
                Program(
                    file.stem,
                    [sys.executable, "-m", "cli", "worker"],
                    directory=place,
                    environment=environment | {"HOLDFAST_READY_FILE": str(file)},
                    ready=file.exists,
                )
                for file in ready
            ),
        ]
        for program in programs:
            stack.callback(program.stop)
            program.launch()
        for program in programs:
            program.wait_ready(timeout=180)

        holdfast(environment, "org", "create", "--name", "Acme")
        person = ["--org", "Acme", "--email", "ann@acme.example"]
        holdfast(environment, "member", "add", *person, "--name", "Ann", "--role", "ops")
        token = holdfast(environment, "token", "issue", *person).strip()
        address = {"HOLDFAST_URL": f"http://127.0.0.1:{port}", "HOLDFAST_TOKEN": token}
        assert json.loads(holdfast(environment | address, "execution", "list", "--json")) == []
