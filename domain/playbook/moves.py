"""What a migration does to the steps of an execution, for people to look at before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.playbook.commands import StepClosed
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition, OutcomeKind
from domain.playbook.draft import rules_of
from domain.playbook.events import Migrated
from domain.playbook.machine import Transit
from domain.playbook.state import CLOSED, State, StepState, StepStatus


class Move(StrEnum):
    stays = "stays"
    withdrawn = "withdrawn"
    opens = "opens"
    scheduled = "scheduled"  # its needs are met, its time has not come
    closed = "closed"  # ended at once: sent, decided by data, not needed, or its wait is over


@dataclass(frozen=True, slots=True)
class StepMove:
    """One occurrence that is open before or after. Instants are aware UTC datetimes."""

    step: str
    occurrence: int
    title: str
    move: Move
    due_before: datetime | None = None
    due_after: datetime | None = None
    opens_before: datetime | None = None
    opens_after: datetime | None = None

    @property
    def moves(self) -> bool:
        """Whether it stays, at another time."""
        times = (self.due_before, self.opens_before) != (self.due_after, self.opens_after)
        return self.move in (Move.stays, Move.scheduled) and times


@dataclass(frozen=True, slots=True)
class Moves:
    """The steps, the next deadline before and after, and the outcome where it ends by the move."""

    steps: tuple[StepMove, ...]
    deadline_before: datetime | None
    deadline_after: datetime | None
    outcome: OutcomeKind | None
    outcome_code: str | None


def moves(definition: Definition, state: State, transit: Transit) -> Moves:
    """What a transit with a migration did to an execution that ran `definition`.

    What fell due before the migration is no part of it.
    """
    before, withdrawn = state, set[tuple[str, int]]()
    for made in transit.made:
        if isinstance(made.event.body, Migrated):
            withdrawn = {
                (c.step, c.occurrence)
                for c in made.commands
                if isinstance(c, StepClosed) and c.status == StepStatus.withdrawn
            }
            break
        before = made.state
    after = transit.state
    old = {(s.key, s.occurrence): s for s in before.steps}
    found: list[StepMove] = []
    for step in after.steps:
        was = old.get((step.key, step.occurrence))
        if was is not None and was.status in CLOSED and step.status in CLOSED:
            continue
        title = rules_of(transit.definition, after, step.key)[1].title
        if (step.key, step.occurrence) in withdrawn and step.status is not StepStatus.withdrawn:
            found.append(_move(was, None, step, title, Move.withdrawn))
            was = None
        found.append(_move(was, step, step, title, _kind(was, step)))
    return Moves(
        tuple(found),
        next_deadline(definition, before),
        next_deadline(transit.definition, after),
        after.outcome,
        after.outcome_code,
    )


def _kind(was: StepState | None, step: StepState) -> Move:
    if step.status is StepStatus.withdrawn:
        return Move.withdrawn
    if step.status in CLOSED:
        return Move.closed
    if step.status is StepStatus.scheduled:
        return Move.scheduled
    begun = was is not None and was.status not in CLOSED
    return Move.stays if begun and was and was.opened_at == step.opened_at else Move.opens


def _move(
    was: StepState | None, now: StepState | None, ref: StepState, title: str, move: Move
) -> StepMove:
    live = now if now is not None and now.status not in CLOSED else None
    return StepMove(
        ref.key,
        ref.occurrence,
        title,
        move,
        due_before=was.due_at if was else None,
        due_after=live.due_at if live else None,
        opens_before=was.opens_at if was and was.status is StepStatus.scheduled else None,
        opens_after=live.opens_at if live and live.status is StepStatus.scheduled else None,
    )
