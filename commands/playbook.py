"""`holdfast playbook`: the group, and `lint` and `schema`, which need no server."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from commands import playbook_catalogue, playbook_simulate
from commands.findings import print_count, print_findings
from commands.output import FAILED, OK, USAGE, AsJson
from domain.playbook.schema import json_schema, ladders_json_schema
from playbooks.lint import WARNINGS, Unreadable
from playbooks.lint import lint as lint_paths

app = typer.Typer(no_args_is_help=True, help="Write, check and publish playbooks.")

playbook_catalogue.register(app)
playbook_simulate.register(app)


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
        print_findings(linted.findings, linted.lines)
        print_count(linted.findings, len(files))
    raise typer.Exit(OK if linted.is_clean else FAILED)


@app.command()
def schema(
    ladders: Annotated[bool, typer.Option(help="The schema of ladders.yaml instead.")] = False,
) -> None:
    """Print the JSON Schema of playbook files, for editors."""
    value = ladders_json_schema() if ladders else json_schema()
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
