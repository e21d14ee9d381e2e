"""Whether a fact can be true: its kind, its instants, and each item of its content."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from domain.errors import Invalid
from domain.facts.kinds import KINDS, LARGEST_OWN, OURS, TOGETHER, Item, ItemType
from domain.playbook.definition import Value
from domain.playbook.fields import CUSTOM

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far a source's clock may be ahead of ours; our choice."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No fact is older; our choice, so that a zero of another calendar is found."""

_CODE = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,99}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/#\-]{0,99}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_OWN_KIND = re.compile(r"custom\.[a-z0-9][a-z0-9_.\-]{0,90}")


@dataclass(frozen=True, slots=True)
class Observed:
    """What somebody says happened. Instants are aware."""

    kind: str
    happened_at: datetime
    content: Mapping[str, object]
    known_at: datetime | None = None


def check(observed: Observed, now: datetime) -> dict[str, Value]:
    """The content in its one form: instants in UTC, nothing for items that are null.

    Raises Invalid with a code of its own for each fault; `details` names the item. `now` is the
    instant at which it is taken in.
    """
    _check_instants(observed, now)
    if observed.kind.startswith(CUSTOM):
        return _own(observed)
    if observed.kind in OURS:
        raise Invalid(
            f"Holdfast makes {observed.kind} itself; leave it out.",
            code="kind_not_taken",
            details={"kind": observed.kind},
        )
    items = KINDS.get(observed.kind)
    if items is None:
        raise Invalid(
            f"Send one of these kinds, or one of your own that begins with {CUSTOM!r}: "
            f"{', '.join(KINDS)}.",
            code="unknown_kind",
        )
    content = _content(observed, items)
    if observed.kind == "usage.recorded" and not content:
        raise _fault("content_missing", "active_users", f"Send one or more of {', '.join(items)}.")
    for name, other in TOGETHER.items():
        if name in content and other not in content:
            raise _fault("content_missing", other, f"Send {other} beside {name}.")
    return content


def _content(observed: Observed, items: Mapping[str, Item]) -> dict[str, Value]:
    given = {name: value for name, value in observed.content.items() if value is not None}
    unknown = sorted(set(given) - set(items))
    if unknown:
        known = ", ".join(items)
        raise _fault(
            "content_unknown", unknown[0][:100], f"The content of {observed.kind} has {known}."
        )
    for name, item in items.items():
        if item.required and name not in given:
            raise _fault("content_missing", name, f"A fact of kind {observed.kind} needs it.")
    return {name: _value(name, value, items[name]) for name, value in sorted(given.items())}


def _check_instants(observed: Observed, now: datetime) -> None:
    latest = now + CLOCKS_DIFFER
    if observed.happened_at > latest:
        raise Invalid(
            "Say when it happened, not when it will; look at the offset from UTC.",
            code="happened_in_future",
        )
    if observed.happened_at < EARLIEST:
        raise Invalid(
            f"Nothing is known from before {EARLIEST.year}. Send the instant as an ISO text.",
            code="happened_too_early",
        )
    if observed.known_at is not None and observed.known_at > latest:
        raise Invalid("Nothing is known before its time. Correct known_at.", code="known_in_future")
    if observed.known_at is not None and observed.known_at < observed.happened_at:
        raise Invalid(
            "Nothing is known before it happens. Correct known_at or happened_at.",
            code="known_before_happened",
        )


def _own(observed: Observed) -> dict[str, Value]:
    """An organization's own content: at most 20 codes, numbers, flags and instants."""
    if not _OWN_KIND.fullmatch(observed.kind):
        raise Invalid(
            "Name a kind of your own in lower case, as custom.webinar-attended.",
            code="unknown_kind",
        )
    given = {name: value for name, value in observed.content.items() if value is not None}
    if len(given) > LARGEST_OWN:
        raise _fault("content_unknown", "", f"Send at most {LARGEST_OWN} items.")
    content: dict[str, Value] = {}
    for name, value in sorted(given.items()):
        if not _CODE.fullmatch(name):
            raise _fault("content_unknown", name[:100], "Name items in lower case, as seats_used.")
        if isinstance(value, bool):
            content[name] = value
        elif isinstance(value, int | float):
            content[name] = _number(name, value, -(10**15), 10**15)
        elif isinstance(value, str) and _REFERENCE.fullmatch(value):
            content[name] = value
        else:
            content[name] = _instant(name, value)
    return content


def _value(name: str, value: object, item: Item) -> Value:
    match item.type:
        case ItemType.whole | ItemType.cents:
            number = _number(name, value, item.low, item.high)
            if number != int(number):
                unit = "cents, as 1250 for 12.50" if item.type is ItemType.cents else "whole ones"
                raise _fault("wrong_unit", name, f"It is counted in {unit}.")
            return int(number)
        case ItemType.percent:
            number = _number(name, value, item.low, item.high)
            if 0 < number < 1:  # nearly always a fraction; below one per cent nothing hangs on it
                raise _fault(
                    "wrong_unit", name, "It is in per cent: 85, not 0.85; below 1 per cent send 0."
                )
            return number
        case ItemType.flag:
            if not isinstance(value, bool):
                raise _fault("wrong_type", name, "Send true or false.")
            return value
        case ItemType.code:
            return _code(name, value, item)
        case ItemType.reference:
            return _text(name, value, _REFERENCE, "Send the source's own key, without spaces.")
        case ItemType.currency:
            return _text(name, value, _CURRENCY, "Send three capital letters, as EUR.")
        case ItemType.instant:
            return _instant(name, value)
        case ItemType.date:
            return _date(name, value)


def _number(name: str, value: object, low: int, high: int) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _fault("wrong_type", name, "Send a number, without quotes and without its unit.")
    if not math.isfinite(value) or not low <= value <= high:
        raise _fault("out_of_range", name, f"It lies between {low} and {high}.")
    return value


def _code(name: str, value: object, item: Item) -> str:
    known = f"Send one of {', '.join(item.choices)}." if item.choices else ""
    code = _text(name, value, _CODE, known or "Send a code in lower case, as single-sign-on.")
    if item.choices and code not in item.choices:
        raise _fault("unknown_code", name, known)
    return code


def _text(name: str, value: object, form: re.Pattern[str], advice: str) -> str:
    if not isinstance(value, str):
        raise _fault("wrong_type", name, advice)
    if not form.fullmatch(value):
        raise _fault("unknown_code", name, advice)
    return value


def _instant(name: str, value: object) -> str:
    advice = "Send an instant with its offset, as 2026-11-22T13:00:00Z."
    if not isinstance(value, str):
        raise _fault("wrong_type", name, advice)
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("no offset")
        return at.astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise _fault("wrong_type", name, advice) from error


def _date(name: str, value: object) -> str:
    advice = "Send a date, as 2026-11-22."
    if not isinstance(value, str):
        raise _fault("wrong_type", name, advice)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise _fault("wrong_type", name, advice) from error


def _fault(code: str, name: str, advice: str) -> Invalid:
    return Invalid(f"content.{name}: {advice}", code=code, details={"item": name})
