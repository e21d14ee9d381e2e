"""`holdfast playbook lint` says where, what and how to mend, and scripts can read its result."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from commands.playbook import app
from tests.domain.playbook.example import EXAMPLE


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(app, list(arguments))


def test_a_clean_file_exits_with_0(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(EXAMPLE)
    done = run("lint", str(path))
    assert done.exit_code == 0
    assert "no findings" in done.stdout


def test_a_finding_shows_the_line_with_a_caret_below_the_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(EXAMPLE.replace("owner: csm", "owner: csn"))
    done = run("lint", str(path))
    assert done.exit_code == 1
    assert f"{path}:4:8: error:" in done.stdout
    assert 'fix: Did you mean "csm"?' in done.stdout
    lines = done.stdout.splitlines()
    shown = next(number for number, line in enumerate(lines) if line.endswith("owner: csn"))
    assert lines[shown + 1].index("^") == lines[shown].index("csn")
    assert "\x1b" not in done.stdout


def test_markup_and_control_signs_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(EXAMPLE.replace("owner: csm", "owner: [bold]\x85"))
    done = run("lint", str(path))
    assert done.exit_code == 1
    assert "[bold]" in done.stdout
    assert "\x85" not in done.stdout


def test_json_for_scripts(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(EXAMPLE.replace("owner: csm", "owner: csn"))
    done = run("lint", "--json", str(path))
    assert done.exit_code == 1
    (finding,) = json.loads(done.stdout)
    assert finding == {
        "file": str(path),
        "line": 4,
        "column": 8,
        "code": "unknown_role",
        "message": '"csn" is not known here.',
        "fix": 'Did you mean "csm"?',
        "severity": "error",
    }


def test_a_missing_file_exits_with_2(tmp_path: Path) -> None:
    done = run("lint", str(tmp_path / "none.yaml"))
    assert done.exit_code == 2
    assert "file_unreadable" in done.stderr


def test_the_schema_is_printed_for_editors() -> None:
    for arguments in (["schema"], ["schema", "--ladders"]):
        done = run(*arguments)
        assert done.exit_code == 0
        Draft202012Validator.check_schema(json.loads(done.stdout))
