"""Executions: start, list, read, timeline, pause, resume, cancel, migrate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.auth.permissions import Permission, needs
from api.executions.answers import answer_of
from api.executions.many import start_for_accounts
from api.executions.schemas import (
    CancelBody,
    CommandAnswer,
    ExecutionSummary,
    ExecutionView,
    MigrateBody,
    MigrationPreview,
    ReasonBody,
    StartBody,
    StartManyAnswer,
    StartManyBody,
    TimelineEntry,
)
from api.executions.timeline import timeline_of
from api.executions.views import execution_view, preview_view
from api.guard import Read, Write, Writing
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.migrating import MigrateRequest, migrate_execution, preview_migration
from db.queries import contacts, execution_list, executions, versions, words
from db.queries.execution_list import ExecutionFilter, read_head
from db.requests import NewWords, StartRequest
from db.starting import start_execution
from db.transitions import apply_event, hold
from domain.playbook.codec import state_from_json
from domain.playbook.definition import Subject
from domain.playbook.events import Body, Cancelled, Event, Paused, Resumed
from domain.playbook.state import ExecutionStatus

router = router_of("executions", "/executions")


@router.post("", status_code=201)
@needs(Permission.start_executions, kept_by_engine=True)
async def start(work: Write, body: StartBody) -> CommandAnswer:
    """Starts a playbook; its first steps are in the inbox at once."""
    kind, subject, account = Subject.organization, work.org, None
    if body.account is not None:
        kind, subject, account = Subject.account, body.account, body.account
    elif body.contact is not None:
        contact = await contacts.get_contact(work.session, work.org, body.contact)
        kind, subject, account = Subject.contact, body.contact, contact.account_id
    request = StartRequest(
        id=work.id_of(),
        playbook=body.playbook,
        subject_kind=kind,
        subject=subject,
        account=account,
        contact=body.contact,
        parameters=body.parameters,
        cause="api",
        reason=_reason(work, body.reason),
    )
    applied = work.applied(
        await start_execution(work.session, request, work.actor, clock=work.clock)
    )
    return answer_of(applied)


@router.post("/bulk")
@needs(Permission.start_executions, kept_by_engine=True)
async def start_many(work: Write, body: StartManyBody) -> StartManyAnswer:
    """Starts a playbook for many accounts in one transaction; one that cannot start is told by
    its code and keeps nothing from the others."""
    return await start_for_accounts(work, body)


@router.get("")
@needs(Permission.read)
async def list_executions(
    work: Read,
    status: ExecutionStatus | None = None,
    playbook: str | None = None,
    account: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ExecutionSummary]:
    """Executions, the last started first."""
    after = decode(cursor, datetime.fromisoformat, UUID)
    wanted = ExecutionFilter(status, playbook, account)
    rows = await execution_list.list_executions(work.session, wanted, after, limit + 1)
    return page(rows, limit, ExecutionSummary.model_validate, lambda row: (row.started_at, row.id))


@router.get("/{execution}")
@needs(Permission.read)
async def get_execution(work: Read, execution: UUID) -> ExecutionView:
    """The execution with its steps, their evidence, and the next deadline."""
    head = await read_head(work.session, execution)
    stored = await executions.read(work.session, execution)
    definition = await versions.definition(work.session, head.version_id, head.content_hash)
    evidence = await words.evidence_of(work.session, execution)
    return execution_view(head, definition, state_from_json(stored.state), evidence)


@router.get("/{execution}/timeline")
@needs(Permission.read)
async def get_timeline(
    work: Read, execution: UUID, cursor: Cursor = None, limit: Limit = 50
) -> Page[TimelineEntry]:
    """Transitions in order, with the words that they name."""
    await execution_list.version_of(work.session, execution)
    after = decode(cursor, int)
    return await timeline_of(work.session, execution, after[0] if after else -1, limit)


@router.post("/{execution}/pause")
@needs(Permission.steer_executions, kept_by_engine=True)
async def pause(work: Write, execution: UUID, body: ReasonBody) -> CommandAnswer:
    """Holds everything: step commands are refused, facts are only remembered."""
    reason = _reason(work, body.reason)
    return await _steer(work, execution, Paused(reason=_id(reason)), reason)


@router.post("/{execution}/resume")
@needs(Permission.steer_executions, kept_by_engine=True)
async def resume(work: Write, execution: UUID, body: ReasonBody) -> CommandAnswer:
    """Goes on; relative deadlines move by the pause, dates of the account do not."""
    reason = _reason(work, body.reason)
    return await _steer(work, execution, Resumed(reason=_id(reason)), reason)


@router.post("/{execution}/cancel")
@needs(Permission.steer_executions, kept_by_engine=True)
async def cancel(work: Write, execution: UUID, body: CancelBody) -> CommandAnswer:
    """Ends it as neutral; open steps are withdrawn."""
    reason = _reason(work, body.reason)
    return await _steer(work, execution, Cancelled(body.code, _id(reason)), reason)


@router.post("/{execution}/migrate")
@needs(Permission.migrate_executions)
async def migrate(
    work: Write, execution: UUID, body: MigrateBody
) -> CommandAnswer | MigrationPreview:
    """Moves it to another version of its playbook, or shows what that would change."""
    reason = _reason(work, body.reason)
    request = MigrateRequest(execution, body.version, work.event_id(), reason)
    if body.dry_run:
        return preview_view(
            await preview_migration(work.session, request, work.actor, clock=work.clock)
        )
    applied = work.applied(
        await migrate_execution(work.session, request, work.actor, clock=work.clock)
    )
    return answer_of(applied)


async def _steer(
    work: Writing, execution: UUID, body: Body, reason: NewWords | None
) -> CommandAnswer:
    applied = work.applied(
        await apply_event(
            work.session,
            await hold(work.session, execution, work.event_id(), clock=work.clock),
            Event(work.event_id(), body, work.actor),
            words=[reason] if reason else [],
        )
    )
    return answer_of(applied)


def _reason(work: Writing, text: str | None) -> NewWords | None:
    return work.new_words("reason", text) if text else None


def _id(reason: NewWords | None) -> str | None:
    return str(reason.id) if reason else None
