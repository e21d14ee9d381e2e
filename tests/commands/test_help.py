"""Every command explains itself, and every one that prints a result prints it as JSON too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

import cli

WITHOUT_A_RESULT = {
    ("up",),
    ("api",),
    ("worker",),
    ("playbook", "schema"),  # JSON by itself
    ("audit", "export"),  # lines of JSON
}


def commands() -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    root = get_command(cli.app)
    assert isinstance(root, TyperGroup)
    for name in cli.COMMANDS:
        found = root.get_command(None, name)  # type: ignore[arg-type]
        if isinstance(found, TyperGroup):
            for below, command in found.commands.items():
                assert isinstance(command, TyperCommand)
                yield (name, below), command
        else:
            assert isinstance(found, TyperCommand)
            yield (name,), found


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*c, id=" ".join(c[0])) for c in commands()]
)
def test_a_command_explains_itself(words: tuple[str, ...], command: TyperCommand) -> None:
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(cli.app, [*words, "--help"])
    assert done.exit_code == 0
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name
    assert ("--json" in done.stdout) is (words not in WITHOUT_A_RESULT)


def test_the_command_itself_says_how_it_reaches_an_installation() -> None:
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(cli.app, ["--help"])
    assert done.exit_code == 0
    for words in (*cli.COMMANDS, "HOLDFAST_URL", "HOLDFAST_TOKEN", "Exit codes"):
        assert words in done.stdout
