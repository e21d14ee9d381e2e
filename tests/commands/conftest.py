"""One running installation for all commands that speak to one; started by who asks for it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

import cli
from runtime.embedded import ports
from tests.commands.running import Up, start_up


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell with what a person sets in it: addresses and a token."""

    up: Up
    organization: str
    environment: dict[str, str]

    def run(self, *words: str, **variables: str) -> Result:
        """What `holdfast` says to these words, and its exit code."""
        environment: dict[str, str | None] = {**self.environment, **variables}
        return CliRunner().invoke(cli.app, list(words), env=environment)

    def answer(self, *words: str) -> Any:
        """What it prints with `--json`, where all went well."""
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def a_stranger(self) -> Shell:
        """The same installation, for an organization of its own with one member of many roles."""
        organization, mail = f"Acme {uuid4().hex[:8]}", "ann@acme.example"
        made = self.answer("org", "create", "--name", organization)["organization"]
        person = ("--org", made, "--email", mail)
        roles = ("--role", "ops", "--role", "csm", "--role", "director")
        self.answer("member", "add", *person, "--name", "Ann", *roles)
        token = self.answer("token", "issue", *person)["token"]
        return Shell(self.up, made, self.environment | {"HOLDFAST_TOKEN": token})


@pytest.fixture(scope="session")
def installation() -> Iterator[Shell]:
    """A running `holdfast up`, with nobody in it yet."""
    place = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    up = start_up(place / "data", ports.free_ports(1)[0])
    try:
        up.wait_for("Ready after")
        environment = {
            "HOLDFAST_DATA_DIR": str(up.directory),
            "HOLDFAST_URL": up.url,
            "COLUMNS": "160",
            "NO_COLOR": "1",
        }
        yield Shell(up, "", environment)
    finally:
        up.stop()
        shutil.rmtree(place)


@pytest.fixture
def shell(installation: Shell) -> Shell:
    """A member of an organization that this test has for itself."""
    return installation.a_stranger()
