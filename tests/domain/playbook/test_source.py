"""Hostile and broken texts cost little and give one located finding."""

from __future__ import annotations

import time

import pytest

from domain.errors import PlaybookInvalid
from domain.playbook.source import MOST_BYTES, MOST_DEPTH, MOST_FINDINGS, decode
from tests.domain.playbook.example import EXAMPLE, findings, parse

BOMB = "a: &a [x, x]\n" + "\n".join(f"b{n}: &b{n} [*a, *a, *a, *a]" for n in range(50))


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        (BOMB, 1, 4, "anchor"),
        ("playbook: *name", 1, 11, "alias"),
        ("playbook: !!python/object:os.system x", 1, 11, "tag"),
        ("playbook: !x {a: b}", 1, 11, "tag"),
        ("a: b\n---\nc: d", 2, 1, "several_documents"),
        ("a: b\nc: d\na: e", 3, 1, "duplicate_key"),
        ("1: b", 1, 1, "key_not_text"),
        ("? [a]\n: b", 1, 3, "key_not_text"),
        ("a: " + "[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), 1, 3 + MOST_DEPTH, "too_deep"),
        ("a: " + "{b: " * 5000, 1, 4 + 4 * (MOST_DEPTH - 1), "too_deep"),
        ("- a\n- b", 1, 1, "not_a_mapping"),
        ("", 1, 1, "not_a_mapping"),
        ("just words", 1, 1, "not_a_mapping"),
        ("a: b\n\tc: d", 2, 1, "yaml"),
        ("a: [b", 1, 6, "yaml"),
        ('a: "b', 1, 6, "yaml"),
        ("a: b: c", 1, 5, "yaml"),
        ("a: \x00", 1, 4, "yaml"),
        ("a: \ud800", 1, 4, "not_utf8"),
        ("%YAML 9.9\n---\na: b", 1, 1, "yaml"),
        ("a: " + "x" * MOST_BYTES, 1, 1, "too_large"),
    ],
)
def test_is_refused_at_its_place(text: str, line: int, column: int, code: str) -> None:
    found = [(each.line, each.column, each.code) for each in findings(text)]
    assert (line, column, code) in found


def test_a_bomb_and_the_largest_file_are_refused_within_seconds() -> None:
    began = time.monotonic()
    assert findings(BOMB)
    assert findings("a: [" + "x, " * (MOST_BYTES // 3 - 10) + "]")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{number}: v\n" for number in range(20_000)),
        "a: 1\n" * 20_000,
        "playbook: x\nphases:\n- phase: a\n  steps:\n" + "  - {step: a}\n" * 15_000,
        "1: a\n" * 20_000,
    ],
    ids=["unknown", "duplicate", "steps", "numbers"],
)
def test_a_file_of_nothing_but_faults_is_given_up_within_seconds(text: str) -> None:
    began = time.monotonic()
    assert 1 <= len(findings(text)) <= MOST_FINDINGS + 1
    assert time.monotonic() - began < 20


def test_a_tab_is_called_by_its_name() -> None:
    (found,) = findings("a: b\n\tc: d")
    assert "tab" in found.fix


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-32"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(PlaybookInvalid) as refused:
        decode("name: Größe".encode(encoding), "example.yaml")
    assert refused.value.findings[0].code == "not_utf8"
    assert refused.value.findings[0].line == 1


def test_a_byte_order_mark_and_windows_lines_are_taken() -> None:
    text = decode(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode(), "example.yaml")
    assert parse(text) == parse(EXAMPLE)


def test_words_that_other_yaml_takes_for_truth_or_dates_stay_text() -> None:
    text = EXAMPLE.replace("name: Example", "name: no").replace(
        "first\n", "first\n    title: 2026-01-01\n"
    )
    definition = parse(text)
    assert definition.name == "no"
    assert definition.phases[0].title == "2026-01-01"
