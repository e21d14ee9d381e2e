"""`holdfast import`: accounts or contacts from a CSV file, all rows or none."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from api.imports.mapping import Mapping
from commands.output import AsJson, fails_plainly, show, table
from commands.remote import Remote
from domain.errors import HoldfastError, Invalid
from domain.playbook.source import decode
from domain.simulation_script import read_as
from runtime.ids import new_id

_ASK_EVERY_SECONDS = 0.5
_LONGEST_SECONDS = 3600.0
_SHOWN_FAULTS = 20
_MAPPING: TypeAdapter[Mapping] = TypeAdapter(Mapping)


@fails_plainly
def import_file(
    file: Annotated[Path, typer.Argument(help="The CSV file.", exists=True, dir_okay=False)],
    mapping: Annotated[
        Path | None,
        typer.Option(help="YAML or JSON with the whole mapping.", exists=True, dir_okay=False),
    ] = None,
    kind: Annotated[str, typer.Option(help="accounts or contacts.")] = "accounts",
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN of the file; repeatable.")
    ] = None,
    date_format: Annotated[str | None, typer.Option(help="As strptime takes it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import accounts or contacts from a CSV file: all of its rows or none.

    Exit code 1, and the rows at fault as a table, where it was refused.
    """
    wanted = read_mapping(mapping) if mapping else _mapping(kind, column or [], date_format)
    try:
        done = _run(file, wanted, dry_run)
    except HoldfastError as error:
        faults = error.details.get("faults")
        if not isinstance(faults, list) or not faults:
            raise
        if as_json:
            show({"status": "refused", "code": error.code, **error.details}, "", as_json=True)
        else:
            typer.echo(_listed(faults, error.details.get("count")), err=True)
        raise
    show(done, _result(done), as_json=as_json)


class _Sent(io.BufferedReader):
    """A file that knows how much of it has been read, and how many lines that was."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.size = path.stat().st_size
        self.read_so_far = 0
        self.lines = 0

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self.read_so_far += len(chunk)
        self.lines += chunk.count(b"\n")
        return chunk


class _Counted(ProgressColumn):
    """How far a task is, in its own unit."""

    def render(self, task: Task) -> Text:
        of = f" of {task.total:,.0f}" if task.total is not None else ""
        return Text(f"{task.completed:,.0f}{of} {task.fields['unit']}")


def _run(file: Path, mapping: bytes, dry_run: bool) -> dict[str, Any]:
    """Send the file, and show meanwhile how far it is."""
    number = str(new_id())
    answers: list[dict[str, Any]] = []
    failures: list[HoldfastError] = []

    def send(source: _Sent) -> None:
        form = {"mapping": mapping.decode(), "dry_run": str(dry_run).lower(), "id": number}
        files = {"file": (file.name, source, "text/csv")}
        try:
            answers.append(
                Remote().send("/imports", data=form, files=files, timeout=_LONGEST_SECONDS)
            )
        except HoldfastError as error:
            failures.append(error)

    columns = (TextColumn("{task.description}"), BarColumn(), _Counted(), TimeElapsedColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with _Sent(file) as source, bar as progress:
        sending = threading.Thread(target=send, args=(source,), daemon=True)
        sending.start()
        _watch(progress, sending, source, Remote(), number)
    if failures:
        raise failures[0]
    return answers[0]


def _watch(
    progress: Progress, sending: threading.Thread, source: _Sent, remote: Remote, number: str
) -> None:
    """First the upload by bytes, then the rows that the server has read, then its last work."""
    upload = progress.add_task("Sending", total=source.size, unit="bytes")
    rows = progress.add_task("Checking", total=None, unit="rows", visible=False)
    while sending.is_alive():
        sending.join(_ASK_EVERY_SECONDS)
        progress.update(upload, completed=source.read_so_far)
        if source.read_so_far < source.size:
            continue
        read = _rows_read(remote, number)
        if read:
            # lines are a little more than rows: the header, and values of several lines
            progress.update(rows, completed=read, total=max(source.lines, read), visible=True)


def _rows_read(remote: Remote, number: str) -> int:
    try:
        return int(remote.get(f"/imports/{number}")["total"])
    except HoldfastError:  # not begun yet, or the API is too busy to say
        return 0


def read_mapping(file: Path) -> bytes:
    """The mapping of a YAML file, or of JSON, which is YAML too.

    Raises Invalid `mapping_invalid` with file, line and column.
    """
    mapping, _ = read_as(_MAPPING, decode(file.read_bytes(), str(file)), str(file), _INVALID)
    return mapping.model_dump_json().encode()


def _mapping(kind: str, columns: list[str], date_format: str | None) -> bytes:
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


def _listed(faults: list[dict[str, Any]], count: object) -> str:
    """The first faults as a table; `count` is that of all, also of those that are not told."""
    more = (count if isinstance(count, int) else len(faults)) - _SHOWN_FAULTS
    shown = table(faults[:_SHOWN_FAULTS], ("row", "column", "code", "message"))
    return shown + (f"\n… and {more} more" if more > 0 else "")


_INVALID = "mapping_invalid"
