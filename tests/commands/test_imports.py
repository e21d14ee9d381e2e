"""`holdfast import`: the shipped mappings, the rows at fault, and an API killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from commands.imports import read_mapping
from tests.commands.conftest import Shell

pytestmark = pytest.mark.timeout(300)

MAPPINGS = Path(__file__).parents[2] / "docs" / "examples" / "mappings"
HEADER = (
    "account_id,account_name,industry,country,signup_date,"
    "referral_source,plan_tier,seats,is_trial,churn_flag"
)
RAVENSTACK = (
    "A-2e4581,Company_0,EdTech,US,16/10/2024,partner,Basic,9,FALSE,FALSE",
    "A-43a9e3,Company_1,FinTech,IN,17/8/2023,other,Basic,18,FALSE,TRUE",
    "A-0a282f,Company_2,DevTools,US,27/8/2024,organic,Pro,1,TRUE,FALSE",
)
MANY = 60_000


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """A small file of the shape of RavenStack's."""
    return written(tmp_path / "accounts.csv", RAVENSTACK)


def written(path: Path, rows: Iterator[str] | tuple[str, ...]) -> Path:
    path.write_text("\n".join((HEADER, *rows, "")))
    return path


def mapped(file: Path, mapping: str = "ravenstack-accounts.yaml") -> tuple[str, ...]:
    return ("import", str(file), "--mapping", str(MAPPINGS / mapping))


def client(shell: Shell) -> httpx.Client:
    token = {"Authorization": f"Bearer {shell.environment['HOLDFAST_TOKEN']}"}
    return httpx.Client(base_url=f"{shell.up.url}/api/v1", headers=token, timeout=120)


class TestMappings:
    def test_every_shipped_one_is_right(self) -> None:
        shipped = sorted(MAPPINGS.iterdir())
        assert len(shipped) >= 3
        for mapping in shipped:
            read_mapping(mapping)

    def test_ravenstack(self, shell: Shell, accounts: Path) -> None:
        done = shell.answer(*mapped(accounts))
        assert (done["status"], done["total"], done["created"]) == ("done", 3, 3)
        with client(shell) as api:
            found = api.get("/accounts", params={"search": "Company_1"}).json()["items"][0]
        assert (found["customer_since"], found["seats"], found["plan"]) == (
            "2023-08-17", 18, "Basic",
        )  # fmt: skip
        assert found["attributes"] == {
            "referral_source": "other", "trial": False, "churned": True,
        }  # fmt: skip
        again = shell.run(*mapped(accounts))
        assert (again.exit_code, "3 unchanged" in again.stdout) == (0, True)

    def test_contacts_hang_on_accounts(self, shell: Shell, accounts: Path, tmp_path: Path) -> None:
        shell.answer(*mapped(accounts))
        contacts = tmp_path / "contacts.csv"
        contacts.write_bytes(
            "contact_id;account_id;full_name;email;phone;job_title;kind\n"
            "C-1;A-2e4581;Zoë Groß;zoe@example.test;;COO;decision_maker\n".encode("windows-1252")
        )
        done = shell.answer(*mapped(contacts, "contacts.yaml"))
        assert (done["kind"], done["created"]) == ("contacts", 1)
        with client(shell) as api:
            (found,) = api.get("/contacts").json()["items"]
        assert (found["name"], found["kind"]) == ("Zoë Groß", "decision_maker")

    def test_one_at_fault_is_located(self, shell: Shell, accounts: Path, tmp_path: Path) -> None:
        mapping = tmp_path / "mapping.yaml"
        mapping.write_text("kind: accounts\ncolumns:\n  external_id: account_id\n  nam: x\n")
        done = shell.run("import", str(accounts), "--mapping", str(mapping))
        assert (done.exit_code, "[mapping_invalid]" in done.stderr) == (1, True)
        assert f"{mapping}:" in done.stderr and "unknown field 'nam'" in done.stderr


class TestRefused:
    def test_rows_at_fault_are_a_table_and_nothing_is_taken(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        rows = (*RAVENSTACK, "A-9,,EdTech,US,2024-10-16,partner,Basic,many,FALSE,perhaps")
        file = written(tmp_path / "accounts.csv", rows)
        done = shell.run(*mapped(file))
        assert (done.exit_code, done.stdout) == (1, "")
        assert "[import_refused]" in done.stderr
        lines = [line.split()[:3] for line in done.stderr.splitlines()]
        assert lines[0] == ["row", "column", "code"]
        assert lines[1:5] == [
            ["5", "account_name", "value_missing"],
            ["5", "signup_date", "value_not_date"],
            ["5", "seats", "value_not_number"],
            ["5", "churn_flag", "value_not_boolean"],
        ]
        for_programs = shell.run(*mapped(file), "--json")
        assert for_programs.exit_code == 1
        assert '"status": "refused"' in for_programs.stdout
        with client(shell) as api:
            assert api.get("/accounts").json()["items"] == []

    def test_a_dry_run_keeps_nothing(self, shell: Shell, accounts: Path) -> None:
        done = shell.answer(*mapped(accounts), "--dry-run")
        assert (done["status"], done["created"]) == ("checked", 3)
        with client(shell) as api:
            assert api.get("/accounts").json()["items"] == []

    def test_wrong_usage(self, shell: Shell, accounts: Path) -> None:
        assert shell.run("import", "no-such-file.csv").exit_code == 2
        assert shell.run("import", str(accounts), "--mapping", "none.yaml").exit_code == 2
        none = shell.run("import", str(accounts))
        assert (none.exit_code, "[mapping_missing]" in none.stderr) == (1, True)


class TestKilled:
    def test_nothing_is_half_done_and_the_same_file_works_again(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        rows = (f"K-{i},Name {i},EdTech,US,16/10/2024,ads,Pro,9,TRUE,FALSE" for i in range(MANY))
        file = written(tmp_path / "many.csv", rows)
        number, mapping = str(uuid4()), read_mapping(MAPPINGS / "ravenstack-accounts.yaml")

        def send() -> None:
            with client(shell) as api, file.open("rb") as source, pytest.raises(httpx.HTTPError):
                form = {"mapping": mapping.decode(), "id": number}
                api.post("/imports", data=form, files={"file": source})

        sending = threading.Thread(target=send)
        sending.start()
        assert came_to(shell, number, lambda one: one["total"] > 0)["status"] == "running"
        os.kill(shell.up.pid_of("logs/api.pid"), signal.SIGKILL)
        sending.join(30)

        seen = came_to(shell, number, lambda one: one["status"] != "running")
        assert (seen["status"], seen["created"], seen["ended_at"]) == ("interrupted", 0, None)
        with client(shell) as api:
            assert api.get("/accounts").json()["items"] == []
            assert [one["status"] for one in api.get("/imports").json()["items"]] == ["interrupted"]
        done = shell.answer(*mapped(file))
        assert (done["status"], done["created"]) == ("done", MANY)


def came_to(shell: Shell, number: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The import as soon as it is as wanted, through restarts of the API."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with client(shell) as api:
                answer = api.get(f"/imports/{number}")
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 200 and wanted(answer.json()):
            return dict(answer.json())
        time.sleep(0.02)
    raise AssertionError("It never was as wanted.")
