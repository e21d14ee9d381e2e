"""Times as they are written, and what they mean."""

from __future__ import annotations

import re

import pytest

from domain.playbook.definition import Anchor, Duration, TimeSpec, Unit
from domain.playbook.grammar import (
    TIME_PATTERN,
    NotATime,
    parse_duration,
    parse_phase_bound,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("48 hours", 48, Unit.hour),
        ("1 hour", 1, Unit.hour),
        ("90 minutes", 90, Unit.minute),
        ("3 days", 3, Unit.day),
        ("8 weeks", 8, Unit.week),
        ("4 business hours", 4, Unit.business_hour),
        ("1 business day", 1, Unit.business_day),
        ("0 hours", 0, Unit.hour),
    ],
)
def test_durations(text: str, amount: int, unit: Unit) -> None:
    assert parse_duration(text) == Duration(amount, unit)


def test_a_week_of_a_phase_begins_and_ends_counted_from_the_start() -> None:
    assert parse_phase_bound("week 1", "beginning") == Duration(0, Unit.day)
    assert parse_phase_bound("week 2", "beginning") == Duration(7, Unit.day)
    assert parse_phase_bound("week 4", "end") == Duration(28, Unit.day)
    assert parse_phase_bound("10 days", "end") == Duration(10, Unit.day)


NOTHING = Duration(0, Unit.hour)
TWO_DAYS = Duration(2, Unit.day)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("2 days", TimeSpec(TWO_DAYS, Anchor.opening)),
        ("2 days after start", TimeSpec(TWO_DAYS, Anchor.start)),
        ("2 days after phase start", TimeSpec(TWO_DAYS, Anchor.phase_start)),
        ("2 days before phase end", TimeSpec(TWO_DAYS, Anchor.phase_end, before=True)),
        ("2 days after open", TimeSpec(TWO_DAYS, Anchor.opening)),
        (
            "2 days after step discovery-call",
            TimeSpec(TWO_DAYS, Anchor.step, False, "discovery-call"),
        ),
        (
            "60 days before account.renewal_date",
            TimeSpec(Duration(60, Unit.day), Anchor.field, True, "account.renewal_date"),
        ),
        ("account.renewal_date", TimeSpec(NOTHING, Anchor.field, False, "account.renewal_date")),
        ("phase end", TimeSpec(NOTHING, Anchor.phase_end)),
        ("week 4", TimeSpec(Duration(28, Unit.day), Anchor.start)),
    ],
)
def test_times(text: str, spec: TimeSpec) -> None:
    assert parse_time(text, Anchor.opening, "end") == spec
    assert re.match(TIME_PATTERN, text)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "48", "48hours", "48 Hours", "-1 days", "1.5 days", "2 days before", "week 0",
     "2 days after", "2 days after step", "2 days since start", " 2 days", "2 days\n", "٤ days",
     "3661 days", "2 days after step A"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(NotATime):
        parse_time(text, Anchor.opening, "end")
