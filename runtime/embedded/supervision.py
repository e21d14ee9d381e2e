"""Parts started in order, watched, started again when they die, and stopped in reverse order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain.errors import HoldfastError
from runtime.embedded import processes

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_FORGIVEN_AFTER_SECONDS = 60.0


class Part(Protocol):
    """What can be supervised: the two servers and our own programs."""

    log: Path

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def restart(self) -> None: ...

    @property
    def alive(self) -> bool: ...


class Launched(Part, Protocol):
    """A part that can come up beside others."""

    def launch(self) -> None: ...
    def wait_ready(self) -> None: ...


@dataclass(slots=True)
class _Watched:
    """A started part, and when it may be tried again. Seconds of the monotonic clock."""

    name: str
    part: Part
    up_since: float
    wait: float = _FIRST_WAIT_SECONDS
    try_at: float | None = None


@dataclass(slots=True)
class Supervisor:
    """Keeps parts running; `say` gets one readable line for each thing that happens."""

    say: Callable[[str], None]
    _watched: list[_Watched] = field(default_factory=list)

    def start(self, name: str, part: Part, where: Callable[[], str]) -> None:
        """Start the next part and say where it is; what its start raises passes through."""
        began = time.monotonic()
        part.start()
        now = time.monotonic()
        self._watched.append(_Watched(name, part, now))
        self.say(line(name, where(), now - began))

    def start_together(self, parts: Sequence[tuple[str, Launched, str]]) -> None:
        """Start parts that do not wait for each other: name, part, where; then as `start`."""
        began = time.monotonic()
        for name, part, _ in parts:
            part.launch()
            self._watched.append(_Watched(name, part, began))
        for name, part, where in parts:
            part.wait_ready()
            self.say(line(name, where, time.monotonic() - began))

    def look(self) -> None:
        """Start again what died and whose back-off is over. Call it a few times a second."""
        for one in self._watched:
            now = time.monotonic()
            if one.part.alive:
                if now - one.up_since > _FORGIVEN_AFTER_SECONDS:
                    one.wait = _FIRST_WAIT_SECONDS
            elif one.try_at is None:
                one.try_at = now + one.wait
                self.say(f"{one.name} ended by itself; starting it again in {one.wait:g} s.")
                last = processes.tail(one.part.log, 1).strip()
                if last:
                    self.say(f"  its log {one.part.log} ends: {last[:200]}")
                one.wait = min(one.wait * 2, _LONGEST_WAIT_SECONDS)
            elif now >= one.try_at:
                self._restart(one)

    def stop(self) -> None:
        """Stop all parts, the last started first; each has its own bounded wait."""
        while self._watched:
            one = self._watched.pop()
            began = time.monotonic()
            one.part.stop()
            self.say(line(one.name, "stopped", time.monotonic() - began))

    def _restart(self, one: _Watched) -> None:
        began = time.monotonic()
        try:
            one.part.restart()
        except HoldfastError as error:
            one.try_at = time.monotonic() + one.wait
            self.say(f"{one.name} did not start again: {error.message}")
            self.say(f"  trying once more in {one.wait:g} s.")
            one.wait = min(one.wait * 2, _LONGEST_WAIT_SECONDS)
            return
        one.try_at = None
        one.up_since = time.monotonic()
        self.say(line(one.name, "is back", one.up_since - began))


def line(name: str, words: str, seconds: float) -> str:
    """One line of what `up` shows: name, where or what, seconds."""
    return f"  {name:<12} {words:<58} {seconds:6.1f} s"
