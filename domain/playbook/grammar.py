"""The small grammar of time: "48 hours", "2 business days before phase end", "week 4".

Words are lower case, as in the reference. Everything is elapsed time but business hours and days.
"""

from __future__ import annotations

import re
from typing import Literal

from domain.playbook.definition import Anchor, Duration, TimeSpec, Unit

MOST_DAYS = 3660
"""No duration is longer than ten years: a typing error, not a plan."""

UNITS: dict[str, Unit] = {
    "minute": Unit.minute,
    "hour": Unit.hour,
    "day": Unit.day,
    "week": Unit.week,
    "business hour": Unit.business_hour,
    "business day": Unit.business_day,
}
_LONGEST: dict[Unit, int] = {
    Unit.minute: MOST_DAYS * 24 * 60,
    Unit.hour: MOST_DAYS * 24,
    Unit.day: MOST_DAYS,
    Unit.week: MOST_DAYS // 7,
    Unit.business_hour: MOST_DAYS * 8,
    Unit.business_day: MOST_DAYS,
}
_ANCHORS: dict[str, Anchor] = {
    "start": Anchor.start,
    "phase start": Anchor.phase_start,
    "phase end": Anchor.phase_end,
    "open": Anchor.opening,
}
_UNIT_WORDS = r"(?:business (?:hour|day)|minute|hour|day|week)s?"
_KEY_WORD = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_FIELD_WORD = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"
_ANCHOR_WORDS = rf"start|phase start|phase end|open|step {_KEY_WORD}|{_FIELD_WORD}"

DURATION_PATTERN = rf"^[0-9]{{1,7}} {_UNIT_WORDS}$"
WEEK_PATTERN = r"^week [1-9][0-9]{0,2}$"
TIME_PATTERN = (
    rf"^(?:week [1-9][0-9]{{0,2}}|[0-9]{{1,7}} {_UNIT_WORDS}(?: (?:after|before) "
    rf"(?:{_ANCHOR_WORDS}))?|phase start|phase end|{_FIELD_WORD})$"
)
KEY_PATTERN = rf"^{_KEY_WORD}$"
FIELD_PATTERN = rf"^{_FIELD_WORD}$"

_DURATION = re.compile(rf"([0-9]{{1,7}}) ({_UNIT_WORDS})\Z", re.ASCII)
_WEEK = re.compile(r"week ([1-9][0-9]{0,2})\Z", re.ASCII)
_TIME = re.compile(rf"([0-9]{{1,7}} {_UNIT_WORDS}) (after|before) ({_ANCHOR_WORDS})\Z", re.ASCII)
_FIELD = re.compile(rf"{_FIELD_WORD}\Z", re.ASCII)

Edge = Literal["beginning", "end"]


class NotATime(ValueError):
    """A text that the grammar does not know; the message says what it knows."""


def parse_duration(text: str) -> Duration:
    """ "2 business days"; raises NotATime."""
    match = _DURATION.match(text)
    if match is None:
        raise NotATime('a duration is a number and a unit, as "48 hours" or "2 business days"')
    unit = UNITS[match[2].removesuffix("s")]
    amount = int(match[1])
    if amount > _LONGEST[unit]:
        raise NotATime("a duration is at most ten years")
    return Duration(amount, unit)


def parse_week(text: str, edge: Edge) -> Duration | None:
    """ "week N" as days after the start: its beginning is (N-1)*7 days, its end N*7 days."""
    match = _WEEK.match(text)
    if match is None:
        return None
    week = int(match[1])
    return Duration(7 * (week - 1 if edge == "beginning" else week), Unit.day)


def parse_phase_bound(text: str, edge: Edge) -> Duration:
    """ "week N" or a duration, both after the start of the execution; raises NotATime."""
    week = parse_week(text, edge)
    if week is not None:
        return week
    try:
        return parse_duration(text)
    except NotATime as error:
        raise NotATime('a phase begins and ends at "week 2" or after "10 days"') from error


def parse_time(text: str, default: Anchor, edge: Edge) -> TimeSpec:
    """A duration from the default anchor, or from a named one, or "week N"; raises NotATime."""
    week = parse_week(text, edge)
    if week is not None:
        return TimeSpec(week, Anchor.start)
    if text in ("phase start", "phase end"):
        return TimeSpec(Duration(0, Unit.hour), _ANCHORS[text])
    if _FIELD.match(text):
        return TimeSpec(Duration(0, Unit.hour), Anchor.field, ref=text)
    if _DURATION.match(text):
        return TimeSpec(parse_duration(text), default)
    match = _TIME.match(text)
    if match is None:
        raise NotATime(
            'a time is "48 hours", "2 business days after step KEY", '
            '"60 days before account.renewal_date", "phase end" or "week 4"'
        )
    offset, before, anchor = parse_duration(match[1]), match[2] == "before", match[3]
    if anchor in _ANCHORS:
        return TimeSpec(offset, _ANCHORS[anchor], before)
    if anchor.startswith("step "):
        return TimeSpec(offset, Anchor.step, before, anchor.removeprefix("step "))
    return TimeSpec(offset, Anchor.field, before, anchor)
