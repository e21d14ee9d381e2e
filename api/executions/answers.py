"""The answer of a command: the new state of the execution and of the step."""

from __future__ import annotations

from api.executions.schemas import CommandAnswer, ExecutionView
from api.executions.views import execution_view
from db.queries import versions
from db.queries.execution_list import read_head
from db.requests import Applied
from db.sessions import ReadSession


async def answer_of(
    session: ReadSession, applied: Applied, step: str | None = None, occurrence: int = 1
) -> CommandAnswer:
    """What the command left. One query where the definition is known to the process."""
    view = await _view_of(session, applied)
    return CommandAnswer(
        repeated=applied.repeated,
        execution=view,
        step=next(
            (one for one in view.steps if (one.step, one.occurrence) == (step, occurrence)), None
        ),
    )


async def _view_of(session: ReadSession, applied: Applied) -> ExecutionView:
    head = await read_head(session, applied.execution)
    definition = await versions.definition(session, head.version_id, head.content_hash)
    return execution_view(head, definition, applied.state)
