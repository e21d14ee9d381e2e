"""What is written as JSON reads back unchanged, and hashes do not depend on how it is written."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import plain_calendar
from domain.playbook.codec import (
    canonical_json,
    command_from_json,
    command_to_json,
    content_hash,
    definition_from_json,
    definition_to_json,
    event_from_json,
    event_to_json,
    state_from_json,
    state_to_json,
)
from domain.playbook.commands import Command, Escalate
from domain.playbook.definition import Recipient, RecipientKind, Role
from domain.playbook.events import Actor, Body, Event, Started, StepCompleted
from domain.playbook.machine import advance
from playbooks.library import shipped
from tests.domain.playbook.example import EXAMPLE, parse

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("key", sorted(shipped()))
def test_shipped_definitions_read_back_unchanged(key: str) -> None:
    definition = shipped()[key].definition
    assert definition_from_json(definition_to_json(definition)) == definition
    assert definition_from_json(canonical_json(definition_to_json(definition))) == definition


def test_the_hash_is_of_the_content() -> None:
    definition = parse(EXAMPLE)
    again = definition_from_json(json.dumps(definition_to_json(definition), indent=3))
    assert content_hash(again) == content_hash(definition)
    assert len(content_hash(definition)) == 64
    assert content_hash(replace(definition, name="Other")) != content_hash(definition)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes().map(datetime.isoformat),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(VALUES)
def test_the_quick_way_to_canonical_json_is_the_canonical_one(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**60, float("nan"), {1: 2}, {"at": MONDAY}])
def test_what_has_no_canonical_json_is_refused_either_way(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_json(value)


def test_comments_and_layout_do_not_change_the_hash() -> None:
    assert content_hash(parse("# a comment\n" + EXAMPLE)) == content_hash(parse(EXAMPLE))


def test_a_default_is_left_out_so_that_new_fields_change_no_hash() -> None:
    written = definition_to_json(parse(EXAMPLE))
    assert "precedence" not in written
    assert "urgent" not in written["phases"][0]["steps"][0]


@pytest.mark.parametrize("key", sorted(shipped()))
def test_a_state_and_its_commands_read_back_unchanged(key: str) -> None:
    definition = shipped()[key].definition
    parameters = {name: "ticket" if name == "alert" else "csm" for name in definition.parameters}
    started = Started({"health.score": 60.5}, plain_calendar(), parameters)
    state, commands = advance(definition, None, Event("start", started), MONDAY)
    assert state_from_json(state_to_json(state)) == state
    assert state_from_json(canonical_json(state_to_json(state))) == state
    assert commands
    for command in commands:
        assert command_from_json(canonical_json(command_to_json(command))) == command


def test_answers_keep_their_types() -> None:
    body = StepCompleted("call", answers={"a": True, "b": 1, "c": 70.5, "d": "1", "e": None})
    event = Event("x", body, Actor("m", (Role.csm,)))
    back = event_from_json(canonical_json(event_to_json(event)))
    assert back == event
    assert isinstance(back.body, StepCompleted)
    assert back.body.answers is not None
    assert [type(each) for each in back.body.answers.values()] == [
        bool, int, float, str, type(None),
    ]  # fmt: skip


def test_instants_and_recipients_of_a_command() -> None:
    told = (Recipient(RecipientKind.role, Role.director), Recipient(RecipientKind.manager))
    command = Escalate("call", 2, 1, told, Role.director, True, MONDAY)
    assert command_to_json(command)["due_at"] == "2026-03-02T09:00:00Z"
    assert command_from_json(command_to_json(command)) == command


@pytest.mark.parametrize("union", [Body, Command], ids=["events", "commands"])
def test_every_kind_is_told_apart_by_its_word(union: object) -> None:
    members = get_args(get_args(union)[0])
    kinds = [
        field.default
        for each in members
        if is_dataclass(each)
        for field in fields(each)
        if field.name == "kind"
    ]
    assert len(kinds) == len(members) == len(set(kinds))
