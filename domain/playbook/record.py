"""The fingerprint of a transition, and what a workflow is told of it."""

from __future__ import annotations

from domain.playbook.codec import digest, event_to_json, state_to_json
from domain.playbook.machine import Made


def digest_of(made: Made) -> str:
    """SHA-256 in hex over number, event, instant and the state after it (law 4).

    Two processes that hold the same number with another digest do not hold the same history.
    """
    return digest(
        {
            "number": made.number,
            "event": event_to_json(made.event),
            "at": made.at.isoformat(),
            "state": state_to_json(made.state),
        }
    )


def step_of_event(made: Made) -> str | None:
    """The step that an event names, for a history that reads well."""
    return getattr(made.event.body, "step", None)
