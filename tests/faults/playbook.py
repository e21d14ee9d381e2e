"""The playbooks of the fault suite: many short executions, and some that wait for days."""

from __future__ import annotations

from datetime import timedelta

from domain.playbook.definition import (
    Anchor,
    Definition,
    Duration,
    Exit,
    Ladder,
    LadderLevel,
    OutcomeKind,
    Phase,
    Recipient,
    RecipientKind,
    Role,
    Step,
    StepKind,
    Subject,
    TimeSpec,
    Unit,
)

DRILL = "drill"
VIGIL = "vigil"
LEVELS = (timedelta(0), timedelta(minutes=1))
"""When the ladder's levels are due, after the step's own due time."""

_LADDER = Ladder(
    "fast",
    (
        LadderLevel(Duration(0, Unit.minute), (Recipient(RecipientKind.assignee),)),
        LadderLevel(Duration(1, Unit.minute), (Recipient(RecipientKind.role, Role.director),)),
    ),
    Duration(4, Unit.hour),
)


def drill() -> Definition:
    """Two steps of one minute each, one after the other; missed ones climb a short ladder."""
    return _playbook(DRILL, _step("call", 1, Unit.minute), _step("wrap-up", 1, Unit.minute, "call"))


def vigil() -> Definition:
    """Two steps with days to go, so that it waits on a distant timer."""
    return _playbook(VIGIL, _step("visit", 10, Unit.day), _step("report", 20, Unit.day, "visit"))


def _playbook(key: str, *steps: Step) -> Definition:
    return Definition(
        key,
        key.capitalize(),
        Subject.account,
        Role.csm,
        "Made for the fault suite.",
        (Phase("only", "Only", steps),),
        (Exit(OutcomeKind.success, "done", None, tuple(step.key for step in steps)),),
        (_LADDER,),
        "fast",
        concurrency_key="nr",
        parameters=("nr",),
    )


def _step(key: str, due: int, unit: Unit, *after: str) -> Step:
    return Step(
        key,
        key.capitalize(),
        StepKind.task,
        Role.csm,
        required=True,
        due=TimeSpec(Duration(due, unit), Anchor.opening),
        after=after,
    )
