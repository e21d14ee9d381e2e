"""What people and the world do in a simulation, and when: a script, read from YAML.

    people: on_time            # what everybody does whom the script leaves alone
    choices: {week-8: extend}  # what they decide; otherwise the first choice
    actions:
      - {at: day 3 10:00, do: complete, step: outreach}
      - {at: +50 hours, do: wait, step: discovery-call, reason: holiday, until: +5 days}
      - {at: 2026-12-01T09:00:00Z, do: fields, fields: {health.score: 74}}

Times: "day N HH:MM" is local time of the subject's calendar, the day of the start being day 1;
"+50 hours" or "+2 business days" count from the start (in `until` and `occurred` from the
action itself, "-3 days" before it); an ISO instant without an offset is local time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from domain.calendars import CalendarSnapshot, add, local, subtract, utc_of
from domain.errors import Invalid, PlaybookInvalid
from domain.playbook.definition import Role, Value
from domain.playbook.grammar import NotATime, parse_duration
from domain.playbook.source import Faults, Mapping, Node, Scalar, Sequence, read_source

T = TypeVar("T")


class People(StrEnum):
    """What everybody does with steps that the script does not close.

    `on_time`: after a third of the time to the due instant, within working hours where that is
    not too late. `late`: a day after it. `never`: nothing. A customer answers a survey after a
    quarter of its time, after three quarters, or not.
    """

    on_time = "on_time"
    late = "late"
    never = "never"


class Do(StrEnum):
    complete = "complete"
    skip = "skip"
    waive = "waive"  # asks for a waiver, until `until` where that is given
    approve = "approve"  # an approval, or a waiver that was asked for
    reject = "reject"  # a waiver that was asked for
    wait = "wait"  # on the customer, for `reason`, until `until`
    end_wait = "end_wait"
    snooze = "snooze"  # until `until`
    reassign = "reassign"  # to the member `to`
    reopen = "reopen"
    accept = "accept"
    decline = "decline"
    acknowledge = "acknowledge"
    team = "team"  # `role` on the account goes over to the member `to`
    pause = "pause"
    resume = "resume"
    cancel = "cancel"  # for the code `reason`
    fact = "fact"  # `fact` arrives, from `occurred`
    fields = "fields"  # `fields` of the subject change
    delivered = "delivered"  # what the step sends has gone out
    undelivered = "undelivered"  # it could not be delivered


CLOSING = frozenset({Do.complete, Do.skip, Do.waive, Do.approve, Do.accept, Do.decline})
"""A step that the script closes is left to the script alone."""

DELIVERING = frozenset({Do.delivered, Do.undelivered})
"""So is the result of what a step sends."""

_NEEDS: dict[Do, tuple[str, ...]] = {
    **dict.fromkeys((Do.complete, Do.skip, Do.waive, Do.approve, Do.reject), ("step",)),
    **dict.fromkeys((Do.end_wait, Do.reopen, Do.accept, Do.decline, Do.acknowledge), ("step",)),
    **dict.fromkeys(DELIVERING, ("step",)),
    Do.wait: ("step", "until"),
    Do.snooze: ("step", "until"),
    Do.reassign: ("step", "to"),
    Do.team: ("role", "to"),
    Do.fact: ("fact",),
    Do.fields: ("fields",),
}


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Action:
    """One thing that somebody does, or that happens. `by` is a role of the account team; without
    it the step's holder acts. Evidence left out (`answers` not given) is filled in fittingly."""

    at: str
    do: Do
    step: str | None = None
    occurrence: int = 1
    choice: str | None = None
    answers: dict[str, Value] | None = None
    by: Role | None = None
    until: str | None = None
    occurred: str | None = None
    to: str | None = None
    role: Role | None = None
    reason: str | None = None
    fact: str | None = None
    fields: dict[str, Value] | None = None


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Script:
    actions: tuple[Action, ...] = ()
    people: People = People.on_time
    choices: dict[str, str] = field(default_factory=dict)

    def closes(self, step: str, occurrence: int) -> bool:
        """Whether the script itself sees to the end of this occurrence."""
        return self._does(step, occurrence, CLOSING)

    def delivers(self, step: str, occurrence: int) -> bool:
        """Whether the script itself says how the delivery of this occurrence ends."""
        return self._does(step, occurrence, DELIVERING)

    def _does(self, step: str, occurrence: int, what: frozenset[Do]) -> bool:
        return any(
            action.step == step and action.occurrence == occurrence and action.do in what
            for action in self.actions
        )


_SCRIPT: TypeAdapter[Script] = TypeAdapter(Script)


def parse_script(text: str, file: str = "script") -> Script:
    """The script of a YAML text. Raises Invalid `script_invalid` with file, line and column."""
    script, root = read_as(_SCRIPT, text, file, "script_invalid")
    for position, action in enumerate(script.actions):
        for name in _NEEDS.get(action.do, ()):
            if getattr(action, name) is None:
                node = _node_at(root, ("actions", position))
                raise _fault(file, node, f'"{action.do}" needs "{name}".', "script_invalid")
    return script


def read_as(adapter: TypeAdapter[T], text: str, file: str, code: str) -> tuple[T, Node]:
    """A YAML text as a value of the adapter's type, and its located tree.

    Raises Invalid with `code`, its message beginning with file, line and column.
    """
    faults = Faults(file)
    root = read_source(text, faults)
    try:
        faults.raise_any()
    except PlaybookInvalid as invalid:
        raise Invalid(invalid.message, code=code) from None
    if root is None:
        raise Invalid(f"{file} is empty; write something into it.", code=code)
    try:
        return adapter.validate_python(plain(root)), root
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _fault(
            file, _node_at(root, first["loc"]), f"{where}: {first['msg']}.", code
        ) from None


def plain(node: Node) -> object:
    """The values of a located tree, without their places."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {str(key.value): plain(value) for key, value in node.entries}


def _node_at(root: Node, path: tuple[int | str, ...]) -> Node:
    node = root
    for part in path:
        child: Node | None = None
        if isinstance(node, Mapping):
            child = node.get(str(part))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            child = node.items[part]
        if child is None:
            break
        node = child
    return node


def _fault(file: str, node: Node, message: str, code: str) -> Invalid:
    return Invalid(f"{file}:{node.line}:{node.column}: {message}", code=code)


_DAY = re.compile(r"day ([0-9]{1,4}) ([0-9]{1,2}):([0-9]{2})\Z", re.ASCII)


def moment(text: str, start: datetime, origin: datetime, calendar: CalendarSnapshot) -> datetime:
    """The UTC instant of a script's time; "+" and "-" count from `origin`.

    Raises Invalid `script_time`.
    """
    try:
        if text[:1] in ("+", "-"):
            move = add if text[0] == "+" else subtract
            return move(origin, parse_duration(text[1:].strip()), calendar)
        if match := _DAY.match(text):
            day, hour, minute = (int(part) for part in match.groups())
            first = local(start, calendar).replace(hour=hour, minute=minute, second=0)
            wanted = first.replace(microsecond=0) + timedelta(days=day - 1)
            return utc_of(wanted, calendar)
        parsed = datetime.fromisoformat(text)
    except (NotATime, ValueError, OverflowError):
        raise Invalid(
            f'"{text}" is no time; write "day 3 10:00", "+50 hours" or "2026-12-01T09:00:00Z".',
            code="script_time",
        ) from None
    return utc_of(parsed, calendar) if parsed.tzinfo is None else parsed.astimezone(UTC)
