"""`holdfast playbook simulate` shows a playbook's whole life, and says plainly what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from commands.playbook_simulate import register

ACCOUNT = """
fields: {health.score: 58, account.stage: customer, account.renewal_date: 2027-03-01}
team: {csm: Anna, director: Dora, support: Sam}
calendar: {timezone: Europe/Berlin, country: DE, subdivision: BE}
start: 2026-11-23 09:00
"""
SCRIPT = """
choices: {choose-resources: technical}
actions:
  - {at: day 60 10:00, do: fields, fields: {health.score: 74}}
"""


def group() -> typer.Typer:
    app = typer.Typer()

    @app.callback()
    def playbook() -> None:
        """As `holdfast playbook`."""

    register(app)
    return app


def simulate(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    done = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(
        group(), ["simulate", *arguments]
    )
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def account(tmp_path: Path) -> str:
    path = tmp_path / "account.yaml"
    path.write_text(ACCOUNT, encoding="utf-8")
    return str(path)


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "script.yaml"
    path.write_text(SCRIPT, encoding="utf-8")
    return str(path)


class TestTable:
    def test_it_shows_who_is_asked_reminded_and_how_it_ends(
        self, account: str, script: str
    ) -> None:
        code, out, _ = simulate("at-risk-intervention", "--account", account, "--script", script)
        assert code == 0
        assert "Europe/Berlin time" in out
        assert "Anna" in out
        assert "is asked (at once): Schedule a call with the key stakeholder" in out
        assert "due Wed 02 Dec 09:00" in out
        assert "is reminded" in out
        assert (
            "answers the hand-off of Assign technical support, and have it accepted (accepted)"
            in out
        )
        assert "the account's data change: health.score 74" in out
        assert "Sam" in out
        assert "success: recovered" in out

    def test_with_nobody_there_it_shows_breaches_escalations_and_what_stays_open(
        self, account: str
    ) -> None:
        code, out, _ = simulate("at-risk-intervention", "--account", account, "--people", "never")
        assert code == 0
        assert "breach: Schedule a call with the key stakeholder" in out
        assert "escalation, level 2" in out
        assert "Dora" in out


class TestJson:
    def test_every_line_has_its_instant_event_and_commands(self, account: str) -> None:
        code, out, _ = simulate("at-risk-intervention", "--account", account, "--json")
        found = json.loads(out)
        assert code == 0
        assert found["playbook"] == "at-risk-intervention"
        assert found["start"] == "2026-11-23T08:00:00Z"
        first = found["lines"][0]
        assert first["event"]["body"]["kind"] == "started"
        assert {"step_opened"} <= {command["kind"] for command in first["commands"]}
        assert [line["number"] for line in found["lines"]] == list(range(len(found["lines"])))


class TestFile:
    def test_a_playbook_of_ones_own(self, tmp_path: Path) -> None:
        path = tmp_path / "own.yaml"
        path.write_text(
            """
playbook: own
name: Own
subject: account
owner: csm
summary: One call.
escalation: at-risk
phases:
  - phase: all
    steps:
      - {step: call, title: Call them, required: true, due: 2 hours, source: our choice}
exit:
  success: {code: called, after: call, required_done: true}
""",
            encoding="utf-8",
        )
        code, out, err = simulate(str(path), "--start", "2026-11-23T09:00:00Z")
        assert (code, err) == (0, "")
        assert "Call them" in out
        assert "success: called" in out


class TestFaults:
    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (("no-such-playbook",), "unknown_playbook"),
            (("missing.yaml",), "file_not_readable"),
            (("at-risk-intervention", "--start", "soon"), "script_time"),
            (("at-risk-intervention", "--account", "missing.yaml"), "file_not_readable"),
            (("at-risk-intervention", "--parameter", "alert"), "parameter_invalid"),
            (("at-risk-intervention", "--parameter", "alert=x"), "unknown_parameter"),
        ],
    )
    def test_each_is_one_message_with_its_code(self, arguments: tuple[str, ...], code: str) -> None:
        exit_code, out, err = simulate(*arguments)
        assert exit_code == 1
        assert out == ""
        assert f"[{code}]" in err

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("colour: red", "account_invalid"),
            ("team: {king: Anna}", "account_invalid"),
            ("calendar: {timezone: Nowhere/Town}", "calendar_timezone_unknown"),
            ("calendar: {opens: late}", "account_invalid"),
        ],
    )
    def test_an_account_that_makes_no_sense(self, tmp_path: Path, text: str, code: str) -> None:
        path = tmp_path / "account.yaml"
        path.write_text(text, encoding="utf-8")
        exit_code, _, err = simulate("at-risk-intervention", "--account", str(path))
        assert exit_code == 1
        assert f"[{code}]" in err
