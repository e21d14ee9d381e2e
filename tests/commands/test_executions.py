"""`holdfast execution`, `deliveries` and `audit` against a running installation."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands.conftest import Shell

pytestmark = pytest.mark.timeout(300)

NOBODY = "00000000-0000-4000-8000-000000000000"
ONE_CALL = """
playbook: one-call
name: One call
subject: account
owner: csm
summary: A call, and a webhook that nobody receives.
escalation: at-risk
phases:
  - phase: all
    steps:
      - {step: tell, title: Tell the warehouse, kind: webhook, send: {event: call.asked}}
      - {step: call, title: Call them, required: true, due: 2 hours}
exit:
  success: {code: called, after: call, required_done: true}
"""
ACCOUNTS = "id,name\nA-1,Globex\n"


@pytest.fixture
def account(shell: Shell, tmp_path: Path) -> str:
    """An account, with the playbook enabled."""
    playbook, accounts = tmp_path / "one-call.yaml", tmp_path / "accounts.csv"
    playbook.write_text(ONE_CALL)
    accounts.write_text(ACCOUNTS)
    shell.answer("playbook", "publish", str(playbook), "--enable")
    columns = ("--column", "external_id=id", "--column", "name=name")
    shell.answer("import", str(accounts), *columns)
    return account_of(shell)


def account_of(shell: Shell) -> str:
    """The id of the only account, by the API."""
    token = {"Authorization": f"Bearer {shell.environment['HOLDFAST_TOKEN']}"}
    (found,) = httpx.get(f"{shell.up.url}/api/v1/accounts", headers=token).json()["items"]
    return str(found["id"])


def dead_letter(shell: Shell) -> dict[str, Any]:
    """The delivery that the worker has given up, as soon as it has."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = shell.answer("deliveries", "list", "--status", "dead")
        if found:
            return dict(found[0])
        time.sleep(0.1)
    raise AssertionError("No dead letter came.")


class TestExecutions:
    def test_start_list_show(self, shell: Shell, account: str) -> None:
        words = ("execution", "start", "one-call", "--account", account, "--key", "k-1")
        started = shell.answer(*words, "--reason", "They asked.")
        execution = started["execution"]["id"]
        assert shell.answer(*words, "--reason", "They asked.")["execution"]["id"] == execution
        listed = shell.answer("execution", "list", "--playbook", "one-call")
        assert [one["id"] for one in listed] == [execution]
        assert shell.answer("execution", "list", "--status", "ended") == []
        shown = shell.answer("execution", "show", execution)
        assert {step["step"]: step["status"] for step in shown["steps"]}["call"] == "open"
        said = shell.run("execution", "show", execution).stdout
        assert "Call them" in said and "Globex" in said
        assert "Globex" in shell.run("execution", "list").stdout

    def test_many_accounts_are_started_at_once(self, shell: Shell, account: str) -> None:
        words = ("execution", "start", "one-call", "--account", account, "--account", NOBODY)
        answer = shell.answer(*words, "--key", "many")
        assert [one["code"] for one in answer["results"]] == [None, "account_not_found"]
        again = shell.answer(*words, "--key", "many")
        assert again == answer
        assert "account_not_found" in shell.run(*words, "--key", "many").stdout

    def test_refusals_exit_with_1_and_wrong_usage_with_2(self, shell: Shell, account: str) -> None:
        for words, code in (
            (("start", "none", "--account", account), "playbook_not_found"),
            (("start", "one-call", "--account", NOBODY), "account_not_found"),
            (("start", "one-call", "--parameter", "x"), "parameter_malformed"),
            (("show", NOBODY), "execution_not_found"),
        ):
            done = shell.run("execution", *words)
            assert (done.exit_code, f"[{code}]" in done.stderr) == (1, True), done.output
            assert done.stdout == ""
        assert shell.run("execution", "start").exit_code == 2
        assert shell.run("execution", "list", "--limit", "0").exit_code == 2

    def test_without_a_token_or_with_nobody_there(self, shell: Shell) -> None:
        none = shell.run("execution", "list", HOLDFAST_TOKEN="")
        assert (none.exit_code, "[token_missing]" in none.stderr) == (1, True)
        wrong = shell.run("execution", "list", HOLDFAST_TOKEN="hf_wrong")
        assert (wrong.exit_code, "[unauthenticated]" in wrong.stderr) == (1, True)
        assert "[hidden]" not in wrong.stderr
        nobody = shell.run("execution", "list", HOLDFAST_URL="http://127.0.0.1:9")
        assert (nobody.exit_code, "[api_unreachable]" in nobody.stderr) == (1, True)


class TestDeliveries:
    def test_a_dead_letter_is_listed_and_sent_again(self, shell: Shell, account: str) -> None:
        shell.answer("execution", "start", "one-call", "--account", account)
        dead = dead_letter(shell)
        assert (dead["step"], dead["last_error"]) == ("tell", "no_endpoint")
        assert "no_endpoint" in shell.run("deliveries", "list").stdout
        assert shell.answer("deliveries", "redeliver", dead["id"])["status"] == "pending"
        again = dead_letter(shell)
        assert again["id"] == dead["id"]
        said = shell.run("deliveries", "redeliver", dead["id"])
        assert (said.exit_code, "is pending again" in said.stdout) == (0, True)

    def test_what_cannot_be_sent_again(self, shell: Shell) -> None:
        done = shell.run("deliveries", "redeliver", NOBODY)
        assert (done.exit_code, "[delivery_not_found]" in done.stderr) == (1, True)
        unknown = shell.run("deliveries", "list", "--status", "asleep")
        assert (unknown.exit_code, "[invalid_request]" in unknown.stderr) == (1, True)
        assert shell.run("deliveries", "redeliver").exit_code == 2


class TestAudit:
    def test_verify_export_rederive(self, shell: Shell, account: str, tmp_path: Path) -> None:
        started = shell.answer("execution", "start", "one-call", "--account", account)
        execution = started["execution"]["id"]
        found = shell.answer("audit", "verify")
        assert found["ok"] is True
        assert "is whole" in shell.run("audit", "verify").stdout

        target = tmp_path / "audit.jsonl"
        done = shell.run("audit", "export", "--output", str(target))
        assert done.exit_code == 0 and f"to {target}" in done.stderr
        entries = [json.loads(line) for line in target.read_text().splitlines()]
        assert {"playbook.published", "import.done"} <= {one["action"] for one in entries}
        printed = shell.run("audit", "export", "--since", "2100-01-01T00:00:00Z")
        assert (printed.exit_code, printed.stdout) == (0, "")

        words = ("audit", "rederive", execution, "--org", shell.organization)
        assert shell.answer(*words)["ok"] is True
        assert "follow from their events" in shell.run(*words).stdout

    def test_what_cannot_be_derived(self, shell: Shell) -> None:
        words = ("audit", "rederive", NOBODY, "--org", shell.organization)
        done = shell.run(*words)
        assert (done.exit_code, "[execution_not_found]" in done.stderr) == (1, True)
        assert shell.run("audit", "rederive", "x", "--org", "y").exit_code == 2
        assert shell.run("audit", "export", "--since", "soon").exit_code == 1
