"""Files are linted as publishing would, and may name each other."""

from __future__ import annotations

from pathlib import Path

import pytest

import playbooks
from playbooks.lint import Unreadable, lint, lint_files
from tests.domain.playbook.example import EXAMPLE

SHIPPED = sorted(Path(playbooks.__file__).parent.glob("*.yaml"))


def test_the_shipped_library_is_clean() -> None:
    assert len(SHIPPED) >= 6
    assert lint_files(SHIPPED) == []


def test_files_know_each_other_and_a_ladder_file_among_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    ladders = tmp_path / "ladders.yaml"
    first.write_text(EXAMPLE.replace("[expansion]", "[second]"))
    without = EXAMPLE.replace("playbook: example", "playbook: second")
    without = without.replace("escalation: calm", "escalation: house")
    without = without[: without.index("ladders:")] + without[without.index("phases:") :]
    second.write_text(without)
    ladders.write_text(
        "house: {acknowledged_for: 1 day, levels: [{after: 1 hour, tell: director}]}\n"
    )
    assert lint_files([first, second, ladders]) == []
    assert {each.code for each in lint_files([first])} == {"unknown_playbook"}
    assert {each.code for each in lint_files([second])} == {"unknown_ladder"}


def test_findings_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    paths = [tmp_path / "b.yaml", tmp_path / "a.yaml"]
    for path in paths:
        path.write_text(EXAMPLE.replace("owner: csm", "owner: csn").replace("week 4", "week x"))
    found = lint(paths)
    assert not found.is_clean
    assert [(each.file, each.line) for each in found.findings] == [
        (str(path), each.line) for path in paths for each in lint_files([path])
    ]
    assert found.lines[str(paths[0])][3] == "owner: csn"


def test_bytes_that_are_no_text_are_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"name: Gr\xf6\xdfe\n")
    (finding,) = lint_files([path])
    assert (finding.line, finding.column, finding.code) == (1, 9, "not_utf8")


def test_what_is_not_executed_yet_is_only_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "mail.yaml"
    path.write_text(
        EXAMPLE.replace(
            "      - step: decide",
            "      - step: write\n        title: Write\n        kind: mail\n"
            "        send: {event: welcome, tell: contact}\n      - step: decide",
        )
    )
    linted = lint([path])
    assert [each.code for each in linted.findings] == ["not_supported_yet"]
    assert linted.is_clean


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable) as refused:
        lint_files([tmp_path / name])
    assert refused.value.code == "file_unreadable"
