"""The published schema agrees with the parser about every shape."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from domain.playbook.schema import json_schema, ladders_json_schema
from playbooks.library import LADDERS_FILE, shipped, shipped_ladders
from tests.domain.playbook.example import EXAMPLE, findings

SCHEMA = Draft202012Validator(json_schema())


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_is_a_schema_of_the_published_dialect() -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator.check_schema(ladders_json_schema())


def test_accepts_the_example() -> None:
    assert list(SCHEMA.iter_errors(plain(EXAMPLE))) == []


@pytest.mark.parametrize("key", sorted(shipped()))
def test_accepts_every_shipped_playbook(key: str) -> None:
    assert list(SCHEMA.iter_errors(plain(shipped()[key].source))) == []


def test_accepts_parameters_with_their_codes() -> None:
    text = EXAMPLE.replace("[alert]", "{alert: [score, payment], source: any}")
    assert list(SCHEMA.iter_errors(plain(text))) == []


def test_accepts_the_shipped_ladders() -> None:
    text = files("playbooks").joinpath(LADDERS_FILE).read_text("utf-8")
    assert list(Draft202012Validator(ladders_json_schema()).iter_errors(plain(text))) == []
    assert set(plain(text)) == set(shipped_ladders())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("owner: csm", "owner: csn"),
        ("parameters: [alert]", "parameters: {alert: [Score]}"),
        ("name: Example\n", ""),
        ("due: 48 hours", "due: 48"),
        ("due: 48 hours", "due: 48 hrs"),
        ("due: 48 hours", "due: 2 days after tea"),
        ("due: 48 hours", "deu: 48 hours"),
        ("starts: week 3", "starts: week 0"),
        ("required: true", "required: 1"),
        ("kind: branch", "kind: fork"),
        ("type: date", "type: dates"),
        ("below: 70}", "below: low}"),
        ("below: 70}", "beloww: 70}"),
        ("{step: decide, choice: go}", "{choice: go}"),
        ("{step: decide, choice: go}", "{step: decide, status: finished}"),
        ("step: call", "step: Call!"),
        ("tell: director}", "tell: boss}"),
        ("choices: {go: Go on, stop: Stop}", "choices: [go, stop]"),
        ("repeat: {every: 1 week, until: phase ends}", "repeat: 1 week"),
        ("success:", "sucess:"),
    ],
)
def test_rejects_what_the_parser_rejects(right: str, wrong: str) -> None:
    assert right in EXAMPLE
    text = EXAMPLE.replace(right, wrong, 1)
    assert list(SCHEMA.iter_errors(plain(text)))
    assert findings(text)
