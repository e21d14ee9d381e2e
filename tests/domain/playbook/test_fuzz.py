"""Whatever comes in, the parser gives a Definition or PlaybookInvalid, and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import PlaybookInvalid
from domain.playbook.codec import definition_from_json, definition_to_json
from domain.playbook.definition import Definition
from domain.playbook.parse import parse_ladders, parse_playbook
from domain.playbook.source import decode
from playbooks.library import shipped, shipped_keys, shipped_ladders
from tests.domain.playbook.example import EXAMPLE

SOURCES = sorted(each.source for each in shipped().values())
WORDS = sorted({word for source in [*SOURCES, EXAMPLE] for word in source.split()})
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def parsed(text: str) -> Definition | None:
    """None where it is refused properly."""
    try:
        return parse_playbook(text, "any.yaml", shipped_ladders(), shipped_keys())
    except PlaybookInvalid as refused:
        for each in refused.findings:
            assert each.line >= 1
            assert each.column >= 1
            assert each.code and each.message and each.fix
        return None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    parsed(text)
    try:
        parse_ladders(text, "ladders.yaml")
    except PlaybookInvalid as refused:
        assert refused.findings


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    try:
        parsed(decode(data, "any.yaml"))
    except PlaybookInvalid as refused:
        assert refused.findings[0].code == "not_utf8"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="playbook:-[]{}&*!|>#%@\"' \n\t?,0123", max_size=120))
def test_texts_of_yaml_signs(text: str) -> None:
    parsed(text)


@SLOW
@given(st.sampled_from(SOURCES), st.randoms(use_true_random=False))
def test_shipped_playbooks_with_a_word_swapped_for_another(
    source: str, luck: random.Random
) -> None:
    words = source.split(" ")
    for _ in range(luck.randint(1, 3)):
        words[luck.randrange(len(words))] = luck.choice(WORDS)
    definition = parsed(" ".join(words))
    if definition is not None:
        assert definition_from_json(definition_to_json(definition)) == definition


@SLOW
@given(st.sampled_from(SOURCES), st.randoms(use_true_random=False))
def test_shipped_playbooks_with_lines_lost_doubled_or_shifted(
    source: str, luck: random.Random
) -> None:
    lines = source.splitlines()
    for _ in range(luck.randint(1, 4)):
        at = luck.randrange(len(lines))
        lines[at : at + 1] = luck.choice(
            [[], [lines[at], lines[at]], ["  " + lines[at]], [lines[at].strip()]]
        )
    parsed("\n".join(lines))


@SLOW
@given(st.sampled_from(SOURCES), st.randoms(use_true_random=False), st.characters())
def test_shipped_playbooks_with_any_character_anywhere(
    source: str, luck: random.Random, character: str
) -> None:
    at = luck.randrange(len(source))
    parsed(source[:at] + character + source[at + luck.randint(0, 2) :])


@pytest.mark.parametrize(
    "value", ["null", "[]", "{}", "true", "1", '""', "[[]]", "{a: b}", "text", "-0", "1e400", ".5"]
)
def test_every_value_of_the_example_replaced(value: str) -> None:
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        key, colon, _ = line.partition(":")
        if colon:
            parsed("\n".join([*lines[:number], f"{key}: {value}", *lines[number + 1 :]]))
