"""`holdfast playbook publish|list|diff` against a running installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Shell
from tests.domain.playbook.example import EXAMPLE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "example.yaml"
    path.write_text(EXAMPLE)
    return path


def test_a_file_becomes_a_version_and_the_same_again_is_that_version(
    shell: Shell, example: Path
) -> None:
    (made,) = shell.answer("playbook", "publish", str(example), "--enable")
    assert (made["playbook"], made["version"], made["created"]) == ("example", 1, True)
    (again,) = shell.answer("playbook", "publish", str(example))
    assert (again["version"], again["created"], again["enabled"]) == (1, False, False)
    (listed,) = shell.answer("playbook", "list")
    assert (listed["enabled"], listed["enabled_version"]) == (True, 1)
    said = shell.run("playbook", "list").stdout.splitlines()
    assert said[0].split()[:2] == ["key", "name"] and said[1].startswith("example")


def test_a_file_at_fault_is_shown_as_lint_shows_it_and_the_others_are_published(
    shell: Shell, example: Path
) -> None:
    bad = example.with_name("bad.yaml")
    bad.write_text(EXAMPLE.replace("owner: csm", "owner: csn").replace(": example", ": other"))
    done = shell.run("playbook", "publish", str(bad), str(example))
    assert done.exit_code == 1
    assert f"{bad}:4:8: error:" in done.stdout
    assert 'fix: Did you mean "csm"?' in done.stdout
    assert "    4 | owner: csn\n" in done.stdout
    assert f"{bad}: nothing was published." in done.stdout
    assert f"{example}: example published as version 1" in done.stdout
    assert [one["key"] for one in shell.answer("playbook", "list")] == ["example"]


def test_what_differs_between_a_file_and_versions(shell: Shell, example: Path) -> None:
    shell.answer("playbook", "publish", str(example))
    example.write_text(EXAMPLE.replace("title: Call", "title: Phone"))
    changed = "~ step call, title: Call → Phone"
    with_file = shell.run("playbook", "diff", "example", str(example), "--exit-code")
    assert (with_file.exit_code, changed in with_file.stdout) == (1, True)
    shell.answer("playbook", "publish", str(example))
    for versions in ([], ["1"], ["1", "2"]):
        found = shell.run("playbook", "diff", "example", *versions)
        assert (found.exit_code, changed in found.stdout) == (0, True), versions
    found = shell.answer("playbook", "diff", "example", "2", "2")
    assert (found["same"], found["differences"]) == (True, [])


def test_what_cannot_be_compared(shell: Shell, example: Path) -> None:
    shell.answer("playbook", "publish", str(example))
    unknown = shell.run("playbook", "diff", "none")
    assert (unknown.exit_code, "[playbook_not_found]" in unknown.stderr) == (1, True)
    missing = shell.run("playbook", "diff", "example", "none.yaml")
    assert (missing.exit_code, "[file_unreadable]" in missing.stderr) == (2, True)
    assert shell.run("playbook", "diff", "example", "1", "none.yaml").exit_code == 2
    example.write_text("playbook: [")
    broken = shell.run("playbook", "diff", "example", str(example))
    assert (broken.exit_code, f"{example}:1:" in broken.stdout) == (1, True)
