"""The answer of a command, from what its transition holds. Pure."""

from __future__ import annotations

from api.executions.schemas import CommandAnswer, Standing
from api.executions.views import step_view
from db.requests import Applied
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import OutcomeKind
from domain.playbook.state import State, StepState


def answer_of(applied: Applied, step: str | None = None, occurrence: int = 1) -> CommandAnswer:
    """What the command left: where the execution stands, and the steps that it changed."""
    definition, state = applied.definition, applied.state
    views = {
        (one.key, one.occurrence): step_view(
            definition, state, one, applied.people.assignee(one), []
        )
        for one in state.steps
        if (one.key, one.occurrence) == (step, occurrence) or _moved(applied.before, one)
    }
    named = views.pop((step or "", occurrence), None)
    return CommandAnswer(
        repeated=applied.repeated,
        execution=Standing(
            id=applied.execution,
            playbook=definition.key,
            playbook_name=definition.name,
            status=state.status,
            number=state.number,
            started_at=state.started_at,
            last_at=state.last_at,
            next_deadline=next_deadline(definition, state),
            paused_at=state.paused_at,
            outcome=OutcomeKind(state.outcome) if state.outcome else None,
            outcome_code=state.outcome_code,
            ended_at=state.ended_at,
        ),
        step=named,
        others=list(views.values()),
    )


def _moved(before: State | None, step: StepState) -> bool:
    """Whether it was opened or closed just now; at a start, whether it is open."""
    if before is None:
        return step.opened_at is not None
    for known in before.steps:
        if (known.key, known.occurrence) == (step.key, step.occurrence):
            return known.status is not step.status
    return step.opened_at is not None
