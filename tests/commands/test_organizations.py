"""Organizations, members and tokens are set up from the command line, and refusals are plain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from db.engine import Database
from db.queries import across
from runtime.tokens import looks_whole, new_token, token_digest
from tests.postgres import FreshDatabase


def holdfast(database: FreshDatabase, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=os.environ | {"DATABASE_URL": database.app_url},
        capture_output=True,
        text=True,
        check=False,
    )


def answer(database: FreshDatabase, *words: str) -> dict[str, Any]:
    done = holdfast(database, *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.anyio
async def test_a_token_speaks_for_the_member_it_was_issued_to(
    fresh_database: FreshDatabase, db: Database
) -> None:
    made = answer(fresh_database, "org", "create", "--name", "Acme")
    boss = answer(
        fresh_database, "member", "add", "--org", "Acme", "--email", "boss@acme.example",
        "--name", "Boss", "--role", "director",
    )  # fmt: skip
    added = answer(
        fresh_database, "member", "add", "--org", made["organization"], "--email",
        "ann@acme.example", "--name", "Ann", "--role", "csm", "--role", "ops",
        "--manager", boss["email"],
    )  # fmt: skip
    issued = answer(
        fresh_database, "token", "issue", "--org", "Acme", "--email", "Ann@Acme.example"
    )
    bearer = await across.bearer_of(db, token_digest(issued["token"]))
    assert bearer is not None
    assert bearer.scope.org == UUID(made["organization"])
    assert bearer.scope.member == UUID(added["member"])
    assert [str(role) for role in bearer.roles] == ["csm", "ops"]


def test_refusals_say_what_to_do_and_exit_with_one(fresh_database: FreshDatabase) -> None:
    unknown = holdfast(fresh_database, "token", "issue", "--org", "None", "--email", "a@b.example")
    assert unknown.returncode == 1
    assert unknown.stderr.strip().endswith("[organization_not_found]")
    assert "Traceback" not in unknown.stderr


def test_wrong_usage_exits_with_two(fresh_database: FreshDatabase) -> None:
    wrong = holdfast(
        fresh_database, "member", "add", "--org", "A", "--email", "a@b.example", "--name", "A",
        "--role", "emperor",
    )  # fmt: skip
    assert wrong.returncode == 2


def test_without_a_running_installation_it_says_how_to_name_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "org", "create", "--name", "Acme"],
        env=os.environ | {"HOLDFAST_DATA_DIR": str(tmp_path), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "[no_installation]" in done.stderr


def test_a_token_shows_when_it_was_mistyped() -> None:
    fresh = new_token()
    assert looks_whole(fresh.text)
    assert not looks_whole(fresh.text[:-1] + ("0" if fresh.text[-1] != "0" else "1"))
    assert fresh.sha256 == token_digest(fresh.text)
    assert fresh.text not in repr(fresh)
