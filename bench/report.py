"""What a run found, as one table, as JSON and as a page."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.ratios import ratio
from bench.scenarios import Completed, Paced, Started


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: medians of both arms, their ratio with its interval, and its target."""

    scenario: str
    what: str
    ours: str
    bare: str
    compared: str
    target: str
    met: bool | None


@dataclass(slots=True)
class Findings:
    """Everything a run measured, round by round; what was not asked for stays empty."""

    at: datetime
    executions: int
    rounds: int
    started: dict[str, list[Started]] = field(default_factory=dict)
    completed: dict[str, list[Completed]] = field(default_factory=dict)
    paced: dict[str, Paced] = field(default_factory=dict)
    history: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)


def lines_of(found: Findings) -> list[Line]:
    """The table's lines, in the order of BENCHMARKS' scenarios."""
    made: list[Line] = []
    if found.started:
        made += _start_lines(found)
    if found.completed:
        made += _completion_lines(found)
    if found.paced:
        made += _paced_lines(found.paced)
    if found.history:
        value = found.history["events_per_human_step"]
        words = "at-risk, eight weeks: history events per human step"
        made.append(_alone("5", words, value, "", value <= 10, "≤ 10"))
    for name, words, limit in (
        ("idle_with_demo_mb", "API and worker idle with the demo, MB", 400),
        ("worker_waiting_mb", "worker with 10,000 waiting executions, MB", 600),
    ):
        if name in found.memory:
            value = found.memory[name]
            made.append(_alone("5", words, value, "", value <= limit, f"≤ {limit}"))
    return made


def _start_lines(found: Findings) -> list[Line]:
    ours, bare = found.started["ours"], found.started["bare"]
    title = f"start {found.executions:,}"
    return [
        _pair("1", f"{title} → readable, s", _each(ours, "readable"), _each(bare, "readable"), 5.0),
        _pair("1", f"{title} → running, s", _each(ours, "running"), _each(bare, "running"), 0.85),
        _pair("1", f"{title}: CPU, s", _each(ours, "cpu"), _each(bare, "cpu"), None),
        _pair(
            "1",
            f"{title}, ours 50 to a request → readable, s",
            _each(ours, "bulk_readable"),
            _each(bare, "bulk_readable"),
            5.0,
        ),
        _pair(
            "1",
            f"{title}, ours 50 to a request → running, s",
            _each(ours, "bulk_running"),
            _each(bare, "bulk_running"),
            0.85,
        ),
    ]


def _completion_lines(found: Findings) -> list[Line]:
    ours, bare = found.completed["ours"], found.completed["bare"]

    def pair(what: str, name: str, least: float | None, scale: float = 1.0) -> Line:
        a, b = ([scale * value for value in _each(arm, name)] for arm in (ours, bare))
        return _pair("2", what, a, b, least, higher_is_better=name == "per_second")

    told = max(_each(ours, "told_after"))
    return [
        pair("complete alone, p50 ms", "alone_p50", 2.0, 1000),
        pair("complete alone, p99 ms", "alone_p99", None, 1000),
        pair("completions/s, 32 in flight", "per_second", 2.0),
        _alone("2", "all told after the load, s (worst)", told, "", told <= 10, "≤ 10"),
        pair("CPU for one completion, ms", "cpu_ms", None),
        pair("history events per step, burst", "events_per_step", None),
    ]


def _paced_lines(paced: dict[str, Paced]) -> list[Line]:
    ours, bare = paced["ours"], paced["bare"]
    told = ours.told_p99
    return [
        _pair("2", "20/s: answered, p50 ms", [1e3 * ours.answered_p50], [1e3 * bare.answered_p50]),
        _pair("2", "20/s: answered, p99 ms", [1e3 * ours.answered_p99], [1e3 * bare.answered_p99]),
        _alone("2", "20/s: commit → told, p99 s", told, "", told <= 1, "≤ 1"),
    ]


def _each(rounds: Sequence[Started | Completed], name: str) -> list[float]:
    return [float(getattr(one, name)) for one in rounds]


def _pair(
    scenario: str,
    what: str,
    ours: list[float],
    bare: list[float],
    least: float | None = None,
    *,
    higher_is_better: bool = False,
) -> Line:
    """`least`: so many times better than bare is the target."""
    compared = ratio(ours, bare) if higher_is_better else ratio(bare, ours)
    return Line(
        scenario,
        what,
        _short(statistics.median(ours)),
        _short(statistics.median(bare)),
        f"{compared.median:.2f} x [{compared.low:.2f}-{compared.high:.2f}]",
        "" if least is None else f"≥ {least:g} x",
        None if least is None else compared.median >= least,
    )


def _alone(scenario: str, what: str, ours: float, bare: str, met: bool, target: str) -> Line:
    return Line(scenario, what, _short(ours), bare, "", target, met)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(found: Findings, console: Console) -> None:
    """The table, in a terminal."""
    table = Table(title=_title(found))
    for heading in ("", "figure", "ours", "bare", "better than bare", "target", ""):
        table.add_column(heading)
    for line in lines_of(found):
        table.add_row(*_cells(line))
    console.print(table)


def as_json(found: Findings) -> dict[str, Any]:
    """Everything measured, and the lines made of it."""
    return {
        **asdict(found),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "lines": [asdict(line) for line in lines_of(found)],
    }


def write(found: Findings, directory: Path) -> Path:
    """`<date>.json` and `<date>.md`; the path of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{found.at:%Y-%m-%d-%H%M}"
    content = orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2)
    (directory / f"{name}.json").write_bytes(content + b"\n")
    page = directory / f"{name}.md"
    page.write_text("\n".join([f"# {_title(found)}", "", *_page_rows(found), ""]))
    return page


def _page_rows(found: Findings) -> list[str]:
    head = "| | figure | ours | bare | better than bare | target | |"
    rows = ["| " + " | ".join(_cells(line)) + " |" for line in lines_of(found)]
    return [head, "|" + " --- |" * 7, *rows]


def _cells(line: Line) -> tuple[str, ...]:
    met = "" if line.met is None else ("met" if line.met else "MISSED")
    return (line.scenario, line.what, line.ours, line.bare, line.compared, line.target, met)


def _title(found: Findings) -> str:
    return f"Bench of {found.at:%Y-%m-%d %H:%M} UTC, {found.rounds} rounds, {os.cpu_count()} cores"
