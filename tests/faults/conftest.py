"""What the fault suite shares: its table, its seed, a running stack with people in it."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.people import Crew, crew
from tests.faults.results import Table
from tests.faults.stack import stack

_table = Table()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table at the end, and where it is kept."""
    if _table.rows:
        terminalreporter.section("faults")
        for line in _table.lines():
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"kept in {_table.path}")


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """The session's table; the one before is removed."""
    _table.path.unlink(missing_ok=True)
    yield _table


@pytest.fixture
def seed() -> int:
    """From `FAULTS_SEED`, or of this instant; printed, so that a run can be had again."""
    found = int(os.environ.get("FAULTS_SEED") or time.time_ns() % 1_000_000)
    print(f"FAULTS_SEED={found}")
    return found


@pytest.fixture
def chance(seed: int) -> random.Random:
    """The run's only source of randomness."""
    return random.Random(seed)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of this test alone, gone at its end unless `FAULTS_KEEP` is set."""
    made = Path(tempfile.mkdtemp(prefix="holdfast-faults-"))
    yield made
    if not os.environ.get("FAULTS_KEEP"):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
async def team(place: Path, anyio_backend: str) -> AsyncIterator[Crew]:
    """People at work on a running product."""
    async with stack(place) as running:
        people = await crew(running)
        yield people
        await people.close()


@pytest.fixture
async def gated_team(place: Path, anyio_backend: str) -> AsyncIterator[Crew]:
    """The same, with gates between the programs and the servers."""
    async with stack(place, gated=True) as running:
        people = await crew(running)
        yield people
        await people.close()
