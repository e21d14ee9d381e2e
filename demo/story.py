"""How a story of the demo is written down: what was started when, and what happened on the way.

Every instant is a time before the load ("ago"). What a story does not say, its people do by
themselves: each step in time, in office hours, with evidence (see `demo/playing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from demo.company import ORGANIZATION
from demo.identity import fixed
from demo.standing import Fields
from domain.calendars import CalendarSnapshot
from domain.playbook.definition import Value
from domain.playbook.events import Body

Began = Callable[[datetime, CalendarSnapshot], datetime]
"""When something began, from the instant of the load and the organization's calendar."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody did at one time.

    `body` makes the event from the instant of the load and the id of the reason's words. `by` is a
    colleague's key. `refused` is the code with which it was refused.
    """

    ago: timedelta
    by: str
    body: Callable[[datetime, str | None], Body]
    reason: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One execution. `leave` names steps that nobody does, "offer:" before one that nobody
    answers; `times` says when some were done; `choices` and `answers` what was decided."""

    playbook: str
    began: Began
    reason: str
    by: str = "nadia"
    leave: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, timedelta] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    contact: int | None = None
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """What happened at one account: `before` are fields at the beginning that differ from now,
    `news` what became known when."""

    account: str
    parts: tuple[Part, ...]
    before: Fields = field(default_factory=dict)
    news: tuple[tuple[timedelta, Fields], ...] = ()

    def execution(self, number: int) -> UUID:
        """The id of the part at this place."""
        part = self.parts[number]
        return fixed("execution", str(ORGANIZATION), self.account, part.playbook, str(number))
