"""`holdfast audit`: check the chain of the audit trail, and take it out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from commands import audit_rederive
from commands.output import FAILED, AsJson, fails_plainly, show
from commands.remote import Remote

audit = typer.Typer(no_args_is_help=True, help="The audit trail.")
audit_rederive.register(audit)


@audit.command("verify")
@fails_plainly
def verify(as_json: AsJson = False) -> None:
    """Hash every sealed entry again and follow the chain. Exit code 1 if it is broken."""
    found = Remote().get("/audit/verify")
    show(found, _verdict(found), as_json=as_json)
    if not found["ok"]:
        raise typer.Exit(FAILED)


@audit.command("export")
@fails_plainly
def export(
    output: Annotated[Path | None, typer.Option(help="A file; standard output without.")] = None,
    since: Annotated[str | None, typer.Option(help="From this instant, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Until before this instant.")] = None,
) -> None:
    """Write audit entries as JSON lines, the newest first."""
    target = output.open("wb") if output else sys.stdout.buffer
    count = 0
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} entries"))
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar as progress:
        task = progress.add_task("entries", total=None)
        for entry in Remote().pages("/audit", since=since, until=until):
            target.write(orjson.dumps(entry) + b"\n")
            count += 1
            progress.update(task, completed=count)
    if output:
        target.close()
        typer.echo(f"Wrote {count:,} entries to {output}.", err=True)
    else:
        target.flush()


def _verdict(found: dict[str, Any]) -> str:
    tail = f" {found['unsealed']} newer ones are not sealed yet." if found["unsealed"] else ""
    if found["ok"]:
        return f"The chain of {found['sealed']} entries is whole; head {found['head']}.{tail}"
    return f"The chain is broken at entry {found['broken_at']}: {found['fault']}.{tail}"
