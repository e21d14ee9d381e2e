"""How commands print results and failures: for people, or as JSON with `--json`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

import orjson
import typer

from domain.errors import HoldfastError
from runtime.logs import hide_secrets

OK, FAILED, USAGE = 0, 1, 2

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def show(result: object, text: str, *, as_json: bool) -> None:
    """Print a result: `text` for people, the value itself as JSON for programs."""
    if as_json:
        sys.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2, default=str).decode())
        sys.stdout.write("\n")
    else:
        typer.echo(text)


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Rows as aligned columns, with a head; "Nothing found." where there are none."""
    if not rows:
        return "Nothing found."
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [
        max(len(column), *(len(line[index]) for line in cells))
        for index, column in enumerate(columns)
    ]
    lines = [columns, *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def fails_plainly(command: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """A command whose errors are one message with its code on stderr, and exit code 1."""

    @wraps(command)
    def plain(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        try:
            return command(*arguments, **named)
        except HoldfastError as error:
            typer.echo(f"{hide_secrets(error.message)} [{error.code}]", err=True)
            raise typer.Exit(FAILED) from error

    return plain


def _cell(value: object) -> str:
    return "" if value is None else str(value)
