"""One command on many rows, in one transaction: a row that fails undoes only itself."""

from __future__ import annotations

from typing import Any

from api.guard import Writing
from api.inbox.schemas import BulkAnswer, BulkBody, BulkResult, BulkRow
from api.steps.commands import named
from db.queries import tasks
from db.requests import NewWords
from db.transitions import apply_event, hold
from domain.errors import HoldfastError
from domain.playbook.events import Body, Event, Reassigned, Snoozed, StepCompleted


async def run_bulk(work: Writing, body: BulkBody) -> BulkAnswer:
    """Runs the rows by execution's id, in which order executions are locked everywhere."""
    if body.to is not None:
        await work.require_member(body.to)
    order = sorted(range(len(body.rows)), key=lambda i: (str(body.rows[i].execution or ""), i))
    results: dict[int, BulkResult] = {}
    for index in order:
        try:
            async with work.session.savepoint():
                results[index] = await _row(work, body, index, body.rows[index])
        except HoldfastError as error:
            results[index] = BulkResult(
                index=index, done=False, code=error.code, detail=error.message
            )
    listed = [results[index] for index in range(len(body.rows))]
    done = sum(result.done for result in listed)
    return BulkAnswer(done=done, refused=len(listed) - done, results=listed)


async def _row(work: Writing, body: BulkBody, index: int, row: BulkRow) -> BulkResult:
    if row.task is not None:
        changed = await tasks.change_task(work.session, work.org, row.task, _of_task(body))
        await work.record("task.changed", "task", row.task, {"bulk": True})
        return BulkResult(index=index, done=True, status=changed.task.status)
    assert row.execution is not None and row.step is not None
    words = _words(work, body, index)
    event = Event(work.event_id(str(index)), _event(body, row, row.step, words), work.actor)
    applied = await apply_event(
        work.session,
        await hold(work.session, row.execution, event.id, clock=work.clock),
        event,
        words=[words] if words else [],
        bulk=True,
    )
    if applied.refusal is not None:
        refusal = applied.refusal
        return BulkResult(index=index, done=False, code=refusal.code, detail=refusal.message)
    work.heard(applied)
    status = next(
        step.status.value
        for step in applied.state.steps
        if (step.key, step.occurrence) == (row.step, row.occurrence)
    )
    return BulkResult(index=index, done=True, status=status, number=applied.number)


def _of_task(body: BulkBody) -> dict[str, Any]:
    match body.command:
        case "complete":
            return {"status": "done"}
        case "snooze":
            return {"snoozed_until": body.until}
        case "reassign":
            return {"assignee_id": body.to}


def _words(work: Writing, body: BulkBody, index: int) -> NewWords | None:
    return work.new_words("reason", body.reason, str(index)) if body.reason else None


def _event(body: BulkBody, row: BulkRow, step: str, words: NewWords | None) -> Body:
    match body.command:
        case "complete":
            return StepCompleted(step, row.occurrence)
        case "snooze":
            assert body.until is not None
            return Snoozed(step, body.until, row.occurrence, named(words))
        case "reassign":
            return Reassigned(step, str(body.to), row.occurrence, named(words))
