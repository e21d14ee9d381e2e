"""What people do to steps. Every command answers with the new state, or a refusal's code."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.executions.schemas import CommandAnswer
from api.guard import Write
from api.routing import router as router_of
from api.steps.commands import named, reason_of, run, run_on
from api.steps.evidence import sort_evidence
from api.steps.records import amend_step, comment_on_step
from api.steps.schemas import (
    AmendBody,
    ApproveBody,
    CommentBody,
    CompleteBody,
    Decides,
    OccurrenceBody,
    ReasonBody,
    ReassignBody,
    RecordAnswer,
    SnoozeBody,
    WaitBody,
    WaiveBody,
)
from db.transitions import hold
from domain.playbook.events import (
    Acknowledged,
    HandOffDecided,
    Reassigned,
    Reopened,
    Snoozed,
    StepCompleted,
    StepSkipped,
    WaitingEnded,
    WaitingStarted,
    WaiverDecided,
    WaiverRequested,
)

router = router_of("steps", "/executions/{execution}/steps/{step}")


@router.post("/complete")
@needs(Permission.work_steps, kept_by_engine=True)
async def complete(work: Write, execution: UUID, step: str, body: CompleteBody) -> CommandAnswer:
    """Completes an open step with its evidence and, where it asks for one, its decision."""
    held = await hold(work.session, execution, work.event_id(), clock=work.clock)
    given = await sort_evidence(work, held.definition, step, body.evidence)
    event = StepCompleted(
        step, body.occurrence, body.choice, given.answers, given.named, body.occurred_at
    )
    return await run_on(work, held, event, evidence=given.rows, seen=body.seen)


@router.post("/skip")
@needs(Permission.work_steps, kept_by_engine=True)
async def skip(work: Write, execution: UUID, step: str, body: ReasonBody) -> CommandAnswer:
    """Closes a step that is not required without doing it."""
    reason = reason_of(work, body.reason)
    event = StepSkipped(step, body.occurrence, named(reason))
    return await run(work, execution, event, words=reason)


@router.post("/waive")
@needs(Permission.work_steps, kept_by_engine=True)
async def waive(work: Write, execution: UUID, step: str, body: WaiveBody) -> CommandAnswer:
    """Asks for a waiver of a required step."""
    reason = reason_of(work, body.reason)
    event = WaiverRequested(step, body.occurrence, named(reason), body.expires_at)
    return await run(work, execution, event, words=reason)


@router.post("/approve")
@needs(Permission.work_steps, kept_by_engine=True)
async def approve(work: Write, execution: UUID, step: str, body: ApproveBody) -> CommandAnswer:
    """Decides about a waiver, or an approval that offers "approved" and "declined"."""
    reason = reason_of(work, body.reason)
    if body.of is Decides.waiver:
        decided = WaiverDecided(step, body.approved, body.occurrence, named(reason))
        return await run(work, execution, decided, words=reason)
    choice = "approved" if body.approved else "declined"
    return await run(work, execution, StepCompleted(step, body.occurrence, choice), words=reason)


@router.post("/wait")
@needs(Permission.work_steps, kept_by_engine=True)
async def wait(work: Write, execution: UUID, step: str, body: WaitBody) -> CommandAnswer:
    """Waits on the customer, with a reason and a follow-up date, up to the step's limit."""
    reason = reason_of(work, body.reason)
    event = WaitingStarted(
        step, body.reason_code, body.follow_up_at, body.occurrence, named(reason)
    )
    return await run(work, execution, event, words=reason)


@router.post("/resume")
@needs(Permission.work_steps, kept_by_engine=True)
async def resume(work: Write, execution: UUID, step: str, body: OccurrenceBody) -> CommandAnswer:
    """Ends the waiting on the customer; the net clock goes on."""
    return await run(work, execution, WaitingEnded(step, body.occurrence))


@router.post("/snooze")
@needs(Permission.work_steps, kept_by_engine=True)
async def snooze(work: Write, execution: UUID, step: str, body: SnoozeBody) -> CommandAnswer:
    """Hides the step from the inbox for a while; its due time stays."""
    reason = reason_of(work, body.reason)
    event = Snoozed(step, body.until, body.occurrence, named(reason))
    return await run(work, execution, event, words=reason)


@router.post("/reassign")
@needs(Permission.work_steps, kept_by_engine=True)
async def reassign(work: Write, execution: UUID, step: str, body: ReassignBody) -> CommandAnswer:
    """Gives the step to another member."""
    await work.require_member(body.to)
    reason = reason_of(work, body.reason)
    event = Reassigned(step, str(body.to), body.occurrence, named(reason))
    return await run(work, execution, event, words=reason)


@router.post("/reopen")
@needs(Permission.work_steps, kept_by_engine=True)
async def reopen(work: Write, execution: UUID, step: str, body: ReasonBody) -> CommandAnswer:
    """Works on a closed step again; what opened because of it stays open."""
    reason = reason_of(work, body.reason)
    event = Reopened(step, body.occurrence, named(reason))
    return await run(work, execution, event, words=reason)


@router.post("/accept")
@needs(Permission.work_steps, kept_by_engine=True)
async def accept(work: Write, execution: UUID, step: str, body: ReasonBody) -> CommandAnswer:
    """Takes over what was handed off."""
    reason = reason_of(work, body.reason)
    event = HandOffDecided(step, True, body.occurrence, named(reason))
    return await run(work, execution, event, words=reason)


@router.post("/decline")
@needs(Permission.work_steps, kept_by_engine=True)
async def decline(work: Write, execution: UUID, step: str, body: ReasonBody) -> CommandAnswer:
    """Gives a hand-off back to the giver."""
    reason = reason_of(work, body.reason)
    event = HandOffDecided(step, False, body.occurrence, named(reason))
    return await run(work, execution, event, words=reason)


@router.post("/acknowledge")
@needs(Permission.work_steps, kept_by_engine=True)
async def acknowledge(
    work: Write, execution: UUID, step: str, body: OccurrenceBody
) -> CommandAnswer:
    """Says that an escalation was seen: its ladder waits a while, then goes on."""
    return await run(work, execution, Acknowledged(step, body.occurrence))


@router.post("/amend", status_code=201)
@needs(Permission.work_steps)
async def amend(work: Write, execution: UUID, step: str, body: AmendBody) -> RecordAnswer:
    """Adds a later value to a closed step's evidence; a record, not a transition."""
    row = await amend_step(work, execution, step, body)
    return RecordAnswer.of(execution, step, body.occurrence, row)


@router.post("/comment", status_code=201)
@needs(Permission.work_steps)
async def comment(work: Write, execution: UUID, step: str, body: CommentBody) -> RecordAnswer:
    """Says something beside a step; a record, not a transition."""
    row = await comment_on_step(work, execution, step, body)
    return RecordAnswer.of(execution, step, body.occurrence, row)
