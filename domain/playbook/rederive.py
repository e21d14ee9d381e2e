"""Live an execution again from its recorded events, and say where the record disagrees.

Needs the frozen definition, those that migrations moved to, and the events with their instants;
no database, no server, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.errors import HoldfastError
from domain.playbook.definition import Definition
from domain.playbook.events import Event, Migrated
from domain.playbook.machine import Made, advance
from domain.playbook.record import digest_of
from domain.playbook.state import State


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transition as it was recorded; `digest` is the one stored with it."""

    number: int
    event: Event
    at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The first transition that does not follow from those before it.

    `code`: number_gap, instant_order, digest_differs, or that of the machine's refusal.
    """

    number: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rederived:
    """How far the record holds: the state after the last transition that agrees."""

    state: State | None
    agreed: int
    disagreement: Disagreement | None = None


def rederive(
    definition: Definition,
    recorded: Iterable[Recorded],
    onto: Mapping[str, Definition] | None = None,
) -> Rederived:
    """Every recorded transition in order, from 0, until the first that disagrees.

    `definition` is the one of the start; `onto` holds by content hash what migrations moved to.
    """
    state: State | None = None
    agreed = 0
    for one in recorded:
        at = one.at.astimezone(UTC)
        fault = _misplaced(state, agreed, one, at)
        if fault is not None:
            return Rederived(state, agreed, fault)
        body = one.event.body
        target = (onto or {}).get(body.content_hash) if isinstance(body, Migrated) else None
        try:
            after, commands = advance(definition, state, one.event, at, target)
        except HoldfastError as error:
            fault = Disagreement(one.number, error.code, f"The machine refuses it: {error.message}")
            return Rederived(state, agreed, fault)
        if digest_of(Made(one.number, one.event, at, False, commands, after)) != one.digest:
            fault = Disagreement(
                one.number,
                "digest_differs",
                "Its event, its instant, its digest or the definition was changed afterwards.",
            )
            return Rederived(state, agreed, fault)
        state, agreed, definition = after, agreed + 1, target or definition
    return Rederived(state, agreed)


def _misplaced(
    state: State | None, agreed: int, one: Recorded, at: datetime
) -> Disagreement | None:
    if one.number != agreed:
        return Disagreement(agreed, "number_gap", f"Transition {agreed} is missing.")
    if state is not None and at < state.last_at:
        return Disagreement(one.number, "instant_order", "Its instant lies before the last one.")
    return None
