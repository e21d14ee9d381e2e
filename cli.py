"""The `holdfast` command."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def holdfast() -> None:
    """Durable customer-success playbooks."""


def main() -> None:
    app()
