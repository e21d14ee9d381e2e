"""Logs are one line a record and show no secret."""

from __future__ import annotations

import json
import logging

import pytest

from runtime.logs import HIDDEN, JsonFormatter, TextFormatter, hide_secrets


def record(message: str, *arguments: object) -> logging.LogRecord:
    made = logging.LogRecord("worker", logging.WARNING, __file__, 1, message, arguments, None)
    made.created = 1_764_000_000.5
    return made


@pytest.mark.parametrize(
    "text",
    [
        "connecting to postgresql+psycopg://app:hunter2pass@db/holdfast",
        "Authorization: Bearer hunter2pass",
        'sent {"password": "hunter2pass"}',
        "api_key=hunter2pass",
        "whsec_hunter2pass",
    ],
)
def test_hides_what_looks_like_a_secret(text: str) -> None:
    shown = hide_secrets(text)
    assert "hunter2pass" not in shown
    assert HIDDEN in shown


def test_hides_secrets_it_was_told_of() -> None:
    assert hide_secrets("it is Tuesday42", ["Tuesday42"]) == f"it is {HIDDEN}"


def test_leaves_other_words_alone() -> None:
    text = "step call-1 is due; GET http://127.0.0.1:8000/api/v1/inbox?limit=5 took 12 ms"
    assert hide_secrets(text) == text


def test_text_is_readable_and_in_utc() -> None:
    shown = TextFormatter().format(record("settled %d deadlines", 3))
    assert shown == "2025-11-24T16:00:00.500Z WARNING worker: settled 3 deadlines"


def test_json_is_one_object_with_the_error_in_it() -> None:
    try:
        raise ValueError("token=hunter2pass")
    except ValueError as error:
        failed = record("could not send")
        failed.exc_info = (type(error), error, error.__traceback__)
    shown = json.loads(JsonFormatter().format(failed))
    assert shown["level"] == "warning"
    assert "ValueError" in shown["message"]
    assert "hunter2pass" not in shown["message"]
