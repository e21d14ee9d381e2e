"""`holdfast import`: accounts or contacts from a CSV file, all rows or none."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from commands.output import AsJson, fails_plainly, show, table
from commands.remote import Remote
from domain.errors import HoldfastError, Invalid
from runtime.ids import new_id

_ASK_EVERY_SECONDS = 0.5
_LONGEST_SECONDS = 3600.0
_SHOWN_FAULTS = 20


@fails_plainly
def import_file(
    file: Annotated[Path, typer.Argument(help="The CSV file.", exists=True, dir_okay=False)],
    mapping: Annotated[
        Path | None,
        typer.Option(help="A JSON file with the whole mapping.", exists=True, dir_okay=False),
    ] = None,
    kind: Annotated[str, typer.Option(help="accounts or contacts.")] = "accounts",
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN of the file; repeatable.")
    ] = None,
    date_format: Annotated[str | None, typer.Option(help="As strptime takes it.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check every row, keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a CSV file. Exit code 1, and every row at fault listed, where it was refused."""
    wanted = _mapping(mapping, kind, column or [], date_format)
    done = _run(file, wanted, dry_run)
    show(done, _result(done), as_json=as_json)


def _run(file: Path, mapping: bytes, dry_run: bool) -> dict[str, Any]:
    """Send the file, and show meanwhile how many rows were read."""
    number = str(new_id())
    answers: list[dict[str, Any]] = []
    failures: list[HoldfastError] = []

    def send() -> None:
        form = {"mapping": mapping.decode(), "dry_run": str(dry_run).lower(), "id": number}
        try:
            with file.open("rb") as source:
                files = {"file": (file.name, source, "text/csv")}
                answers.append(
                    Remote().send("/imports", data=form, files=files, timeout=_LONGEST_SECONDS)
                )
        except HoldfastError as error:
            failures.append(error)

    sending = threading.Thread(target=send, daemon=True)
    remote = Remote()
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=None)
        sending.start()
        while sending.is_alive():
            sending.join(_ASK_EVERY_SECONDS)
            progress.update(task, completed=_rows_read(remote, number))
    if failures:
        faults = failures[0].details.get("faults")
        if isinstance(faults, list) and faults:
            typer.echo(_listed(faults), err=True)
        raise failures[0]
    return answers[0]


def _rows_read(remote: Remote, number: str) -> int:
    try:
        return int(remote.get(f"/imports/{number}")["total"])
    except HoldfastError:  # still being sent, or the API is too busy to say
        return 0


def _mapping(file: Path | None, kind: str, columns: list[str], date_format: str | None) -> bytes:
    if file is not None:
        return file.read_bytes()
    pairs = [given.partition("=") for given in columns]
    if not pairs or not all(separator and field for field, separator, _ in pairs):
        raise Invalid(
            "Say which column of the file holds what, as in --column name=account_name "
            "--column external_id=account_id, or give --mapping FILE.",
            code="mapping_missing",
        )
    wanted: dict[str, Any] = {"kind": kind, "columns": {field: name for field, _, name in pairs}}
    if date_format:
        wanted["date_format"] = date_format
    return orjson.dumps(wanted)


def _result(done: dict[str, Any]) -> str:
    counts = f"{done['created']:,} created, {done['updated']:,} updated"
    words = f"{done['status']}: {done['total']:,} rows, {counts}, {done['unchanged']:,} unchanged."
    return words


def _listed(faults: list[dict[str, Any]]) -> str:
    more = len(faults) - _SHOWN_FAULTS
    shown = table(faults[:_SHOWN_FAULTS], ("row", "column", "code", "message"))
    return shown + (f"\n… and {more} more" if more > 0 else "")
