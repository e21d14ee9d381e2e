"""How a try to send ended. No words of a receiver or a customer get into these (law 16)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver took it. `details` holds codes and numbers."""

    details: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was not taken, or nobody knows. `final`: no later try can end otherwise.

    `retry_after` is the least wait in seconds that the receiver asked for.
    """

    code: str
    final: bool = False
    retry_after: float | None = None
    details: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pointless:
    """What it was to tell is over, so that it was not sent (law 2)."""

    code: str = "step_closed"


Result = Sent | NotSent | Pointless
