"""The workbench of one transition: a state taken apart, changed, and put together again.

Handlers work on a draft; only `machine.advance` makes one and freezes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from domain.conditions import truth
from domain.errors import Invalid, Refused
from domain.playbook.commands import Command
from domain.playbook.definition import (
    Condition,
    Definition,
    Ladder,
    Phase,
    Step,
    Value,
)
from domain.playbook.events import Actor
from domain.playbook.state import CLOSED, PhaseState, State, StepState, StepStatus

StepRef = tuple[str, int]


class Draft:
    """A state in work, the instant it moves to, and the commands collected on the way.

    `onto` is the definition that a migration moves to.
    """

    __slots__ = ("actor", "at", "commands", "definition", "onto", "phases", "state", "steps")

    def __init__(
        self,
        definition: Definition,
        state: State,
        at: datetime,
        actor: Actor,
        onto: Definition | None = None,
    ) -> None:
        self.definition = definition
        self.state = state
        self.at = at
        self.actor = actor
        self.onto = onto
        self.steps: dict[StepRef, StepState] = {(s.key, s.occurrence): s for s in state.steps}
        self.phases: dict[str, PhaseState] = {p.key: p for p in state.phases}
        self.commands: list[Command] = []

    def freeze(self) -> State:
        """The next state, one number on."""
        return replace(
            self.state,
            number=self.state.number + 1,
            last_at=self.at,
            steps=tuple(self.steps.values()),
            phases=tuple(self.phases.values()),
        )

    def emit(self, command: Command) -> None:
        self.commands.append(command)

    def set(self, **changes: object) -> None:
        """Change fields of the execution itself."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def put(self, step: StepState) -> StepState:
        self.steps[step.key, step.occurrence] = step
        return step

    def change(self, step: StepState, **changes: object) -> StepState:
        """Replace a step by itself with these fields changed."""
        return self.put(replace(step, **changes))  # type: ignore[arg-type]

    def come_up(self, step: Step, occurrence: int, opens_at: datetime) -> StepState:
        """Put an occurrence that is to open then. One that a migration took away before is another
        generation, so that its deadlines' ids are new."""
        before = self.steps.get((step.key, occurrence))
        return self.put(
            StepState(
                step.key,
                occurrence,
                StepStatus.scheduled,
                step.owner,
                opens_at=opens_at,
                generation=before.generation + 1 if before else 0,
            )
        )

    # --- looking things up ----------------------------------------------------------------

    def step(self, key: str, occurrence: int) -> tuple[Step, StepState]:
        """The definition and the state of a step that a command names.

        Refused with `unknown_step` or `step_not_open` where it has not come up.
        """
        definition = step_of(self.definition, key)
        state = self.steps.get((key, occurrence))
        if state is None:
            raise Refused(
                f'Step "{definition.title}" has not opened yet. Wait until it is in the inbox.',
                code="step_not_open",
                details={"step": key, "occurrence": occurrence},
            )
        return definition, state

    def occurrences(self, key: str) -> list[StepState]:
        """Those that came up; what a migration took away may come up again."""
        return [
            s for s in self.steps.values() if s.key == key and s.status is not StepStatus.withdrawn
        ]

    def is_closed(self, key: str) -> bool:
        """True once every occurrence there will be is closed."""
        occurrences = self.occurrences(key)
        return bool(occurrences) and all(s.status in CLOSED for s in occurrences)

    def live(self) -> Iterator[StepState]:
        """Steps that are in the state and not closed, in their order."""
        return (s for s in list(self.steps.values()) if s.status not in CLOSED)

    def holds(self, condition: Condition | None) -> bool:
        """True where the condition is true now; no condition always holds, no data never does."""
        return condition is None or self.truth(condition) is True

    def truth(self, condition: Condition) -> bool | None:
        """True, False, or None where there is no data."""
        return truth(condition, self.readable_fields(), self.decisions(), self.at)

    def readable_fields(self) -> dict[str, Value]:
        return readable_fields(self.state)

    def decisions(self) -> dict[str, tuple[str | None, str | None]]:
        """Choice and status of the latest occurrence of each step; one to come says nothing."""
        found: dict[str, tuple[str | None, str | None]] = {}
        for state in self.steps.values():
            if state.status is not StepStatus.scheduled or state.key not in found:
                found[state.key] = (state.choice, state.status.value)
        return found


def readable_fields(state: State) -> dict[str, Value]:
    """What conditions read: the subject's fields, and the start's parameters as "start.<name>"."""
    parameters = {f"start.{name}": value for name, value in state.parameters.items()}
    return {**state.fields, **parameters}


def step_of(definition: Definition, key: str) -> Step:
    """The step of that key; refused with `unknown_step`."""
    for phase in definition.phases:
        for step in phase.steps:
            if step.key == key:
                return step
    raise Refused(
        f'This playbook has no step "{key}". Take a key from the execution\'s list of steps.',
        code="unknown_step",
        details={"step": key},
    )


def phase_of(definition: Definition, key: str) -> Phase:
    """The phase that holds the step of that key."""
    for phase in definition.phases:
        if any(step.key == key for step in phase.steps):
            return phase
    raise Refused(f'This playbook has no step "{key}".', code="unknown_step")


def rules_of(definition: Definition, state: State, key: str) -> tuple[Phase, Step]:
    """Phase and step of that key, also where only a version that the execution left had it."""
    for phase in (*definition.phases, *state.former):
        for step in phase.steps:
            if step.key == key:
                return phase, step
    raise Refused(f'This playbook has no step "{key}".', code="unknown_step")


def ladder_of(definition: Definition, step: Step) -> Ladder | None:
    """The ladder that a step's breach climbs; None where the playbook has none."""
    key = step.ladder or definition.escalation
    if key is None:
        return None
    for ladder in definition.ladders:
        if ladder.key == key:
            return ladder
    raise Invalid(f'The definition lacks its ladder "{key}".', code="ladder_missing")
