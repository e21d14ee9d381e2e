"""`holdfast playbook lint|schema`: what the authors of playbooks need, without a server."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.text import Text

from commands import playbook_simulate
from commands.output import FAILED, OK, USAGE, AsJson
from domain.errors import Finding
from domain.playbook.schema import json_schema, ladders_json_schema
from playbooks.lint import WARNINGS, Linted, Unreadable
from playbooks.lint import lint as lint_paths

app = typer.Typer(no_args_is_help=True, help="Write, check and publish playbooks.")

playbook_simulate.register(app)

_WIDEST = 160


@app.callback()
def playbook() -> None:
    """Write, check and publish playbooks."""


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Playbook files, and ladders.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Check files as publishing would. Exit codes: 0 clean, 1 findings, 2 unreadable."""
    try:
        linted = lint_paths(files)
    except Unreadable as error:
        typer.echo(f"{error.message} [{error.code}]", err=True)
        raise typer.Exit(USAGE) from error
    if as_json:
        rows = [
            {**asdict(each), "severity": "warning" if each.code in WARNINGS else "error"}
            for each in linted.findings
        ]
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _print(linted, len(files))
    raise typer.Exit(OK if linted.is_clean else FAILED)


@app.command()
def schema(
    ladders: Annotated[bool, typer.Option(help="The schema of ladders.yaml instead.")] = False,
) -> None:
    """Print the JSON Schema of playbook files, for editors."""
    value = ladders_json_schema() if ladders else json_schema()
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def _print(linted: Linted, files: int) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for finding in linted.findings:
        console.print(_described(finding, linted.lines.get(finding.file, ())))
    errors = sum(each.code not in WARNINGS for each in linted.findings)
    warnings = len(linted.findings) - errors
    counted = f"{files} file{'s' * (files != 1)}: "
    if not linted.findings:
        console.print(Text(counted + "no findings", style="green"))
    else:
        console.print(Text(f"{counted}{errors} errors, {warnings} warnings", style="bold"))


def _described(finding: Finding, lines: tuple[str, ...]) -> Text:
    """Place, message, the line itself with a caret below the column, and the fix."""
    warning = finding.code in WARNINGS
    text = Text()
    text.append(f"{finding.file}:{finding.line}:{finding.column}: ", style="bold")
    text.append("warning: " if warning else "error: ", style="yellow" if warning else "red")
    text.append(f"{finding.message} ")
    text.append(f"[{finding.code}]\n", style="dim")
    if finding.line <= len(lines):
        line, column = _window(lines[finding.line - 1], finding.column)
        number = f"{finding.line:>5} | "
        text.append(f"{number}{line}\n", style="dim")
        text.append(" " * (len(number) + column - 1) + "^\n", style="red")
    text.append(f"  fix: {finding.fix}\n", style="green")
    return text


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around the column, made harmless for a terminal."""
    shown = "".join(each if each.isprintable() else " " for each in line)
    start = max(0, column - _WIDEST // 2) if len(shown) > _WIDEST else 0
    return shown[start : start + _WIDEST], column - start
