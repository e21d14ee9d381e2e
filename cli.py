"""The `holdfast` command: a table of its commands, each loaded only when it is called.

So that the supervisor of `holdfast up` stays small, and a linter in an editor answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

COMMANDS = {
    "up": "commands.up:up",
    "api": "commands.api:api",
    "worker": "commands.worker:worker",
    "migrate": "commands.migrate:migrate",
    "demo": "commands.demo:demo",
    "org": "commands.organizations:org",
    "member": "commands.organizations:member",
    "token": "commands.organizations:token",
    "playbook": "commands.playbook:app",
    "execution": "commands.executions:execution",
    "import": "commands.imports:import_file",
    "deliveries": "commands.deliveries:deliveries",
    "audit": "commands.audit:audit",
}


class _Loaded(TyperGroup):
    """A group whose commands are the table's."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperGroup | TyperCommand | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        command: TyperGroup | TyperCommand
        if isinstance(found, typer.Typer):
            command = get_group(found)
        else:
            single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            single.command()(found)
            command = cast(TyperCommand, get_command(single))
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Loaded, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def holdfast() -> None:
    """Durable customer-success playbooks: every step owned, every deadline kept.

    What is about executions, imports, deliveries, the audit trail and published playbooks speaks
    to the API at HOLDFAST_URL (http://127.0.0.1:8000) with the token in HOLDFAST_TOKEN; what sets
    an installation up, to the database at DATABASE_URL, or to what `holdfast up` runs in
    HOLDFAST_DATA_DIR (.holdfast).

    Exit codes: 0 done, 1 a finding or a failure, 2 wrong usage.
    """


def main() -> None:
    """Exit codes: 0 done, 1 a finding or a failure, 2 wrong usage."""
    app()


if __name__ == "__main__":
    main()
