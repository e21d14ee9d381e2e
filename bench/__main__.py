"""`make bench`: both arms side by side on real servers, one table at the end.

`make bench ARGS="--rounds 7 --n 2000"`; `--memory` measures memory instead, which takes minutes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import uvloop
from rich.console import Console

from bench import history, memory, report, scenarios
from bench.arms import Arm
from bench.bare.arm import bare
from bench.ours import ours
from bench.ratios import turns
from bench.report import Findings
from bench.servers import servers

RESULTS = Path(__file__).parent / "results"
_PACED_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure, and how often."""

    executions: int
    rounds: int
    paced_seconds: float
    only: frozenset[str]

    def has(self, scenario: str) -> bool:
        return not self.only or scenario in self.only


def main(
    n: Annotated[int, typer.Option("--n", help="Executions to start.", min=1)] = 500,
    rounds: Annotated[int, typer.Option(help="Rounds of each arm.", min=1, max=50)] = 3,
    only: Annotated[
        list[str] | None, typer.Option(help="start, complete, paced, history; repeat it.")
    ] = None,
    measure_memory: Annotated[
        bool, typer.Option("--memory", help="Measure memory alone; takes minutes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Write bench/results/.")] = True,
) -> None:
    """Measure ours beside the bare workflow."""
    wanted = Wanted(n, rounds, _PACED_SECONDS, frozenset(only or ()))
    console = Console(stderr=as_json)
    found = Findings(datetime.now(UTC), n, rounds)

    def say(words: str) -> None:
        console.print(words, highlight=False)

    work: Coroutine[Any, Any, None]
    work = _measure_memory(found, say) if measure_memory else _measure(found, wanted, say)
    uvloop.run(work)
    report.show(found, console)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(report.as_json(found)) + b"\n")
    if keep:
        say(f"Written: {report.write(found, RESULTS)}")


async def _measure(found: Findings, wanted: Wanted, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        if any(wanted.has(one) for one in ("start", "complete", "paced")):
            say("Starting PostgreSQL, Temporal and both arms …")
            with servers(Path(name)) as made:
                async with ours(made) as first, bare(made) as second:
                    await _compare(found, {"ours": first, "bare": second}, wanted, say)
        if wanted.has("history"):
            say("An at-risk intervention of eight weeks, in skipped time …")
            try:
                found.history = await asyncio.to_thread(history.measure)
            except history.NoFigure as failure:  # the rest of the run is worth keeping
                say(str(failure))


async def _compare(
    found: Findings, arms: dict[str, Arm], wanted: Wanted, say: Callable[[str], None]
) -> None:
    for arm in arms.values():
        await scenarios.warm_up(arm)
        arm.crew.rest()
    for index, turn in enumerate(turns(wanted.rounds)):
        for name in turn:
            arm = arms[name]
            arm.crew.go_on()
            await asyncio.sleep(1)
            if wanted.has("start"):
                started = await scenarios.start_many(arm, wanted.executions)
                found.started.setdefault(name, []).append(started)
                say(f"round {index + 1} {name}: {started}")
            if wanted.has("complete"):
                completed = await scenarios.complete_steps(arm)
                found.completed.setdefault(name, []).append(completed)
                say(f"round {index + 1} {name}: {completed}")
            if wanted.has("paced") and name not in found.paced:
                found.paced[name] = await scenarios.complete_paced(arm, wanted.paced_seconds)
                say(f"round {index + 1} {name}: {found.paced[name]}")
            arm.crew.rest()
    for arm in arms.values():
        arm.crew.go_on()


async def _measure_memory(found: Findings, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        found.memory = await memory.measure(Path(name), say)


if __name__ == "__main__":
    typer.run(main)
