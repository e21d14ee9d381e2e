"""The `holdfast` command."""

from __future__ import annotations

import typer

from commands.serve import api, migrate, worker
from commands.up import up

app = typer.Typer(no_args_is_help=True, add_completion=False)
for command in (up, api, worker, migrate):
    app.command()(command)


@app.callback()
def holdfast() -> None:
    """Durable customer-success playbooks: every step owned, every deadline kept."""


def main() -> None:
    """Exit codes: 0 done, 1 a finding or a failure, 2 wrong usage."""
    app()


if __name__ == "__main__":
    main()
