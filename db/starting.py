"""Starting executions: transition 0, of one or of many in one transaction (law 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from db.calendars import snapshot_of
from db.making import Cause, Held, request_digest, to_be_written
from db.queries import answers, executions, record, surroundings, versions
from db.queries.accounts import no_account
from db.queries.record import NewExecution
from db.queries.starting import Needs, read_needs
from db.queries.statistics import Statistics
from db.requests import Applied, Clock, StartRequest, database_clock
from db.sessions import WriteSession
from db.transitions import affect_others, reused
from domain.errors import Conflict, HoldfastError, Refused
from domain.playbook.codec import state_from_json, state_to_json
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition
from domain.playbook.events import Actor, Event, Started
from domain.playbook.machine import Transit, transit
from domain.playbook.state import ENGINE_REVISION
from domain.playbook.telling import Told


async def start_execution(
    session: WriteSession,
    request: StartRequest,
    actor: Actor,
    *,
    clock: Clock = database_clock,
    bulk: bool = False,
) -> Applied:
    """Make transition 0 of a new execution (DESIGN.md, "An execution starts").

    Raises NotFound (`playbook_not_found`, `account_not_found`), Refused (`playbook_disabled`,
    `unknown_parameter`, `parameter_missing`, `wrong_subject`) and Conflict (`execution_open`, with
    the open one's id; `event_id_reused`). The same request id again gives the same execution.
    """
    [started] = await start_executions(session, [request], actor, clock=clock, bulk=bulk)
    if isinstance(started, HoldfastError):
        raise started
    return started


async def start_executions(
    session: WriteSession,
    requests: Sequence[StartRequest],
    actor: Actor,
    *,
    clock: Clock = database_clock,
    bulk: bool = False,
) -> list[Applied | HoldfastError]:
    """The same for many of one playbook, in as many messages; one that cannot start is told by
    its error and keeps nothing from the others. Raises what concerns the playbook itself.
    """
    playbook = requests[0].playbook
    accounts = sorted({one.account for one in requests if one.account is not None})
    needs = await read_needs(session, playbook, accounts, surroundings.since(clock))
    version = needs.version
    definition = await versions.definition(session, version.id, version.content_hash)
    begun = [_begun(session, one, actor, needs, definition, clock, bulk) for one in requests]
    # by subject, so that two that start many wait for each other and never lock each other
    new = sorted(
        (one for one in begun if isinstance(one, _Begun)), key=lambda one: one.request.subject
    )
    written = await record.write(session, *(one.written for one in new)) if new else frozenset()
    return [
        await _outcome(session, one, written) if isinstance(one, _Begun) else one for one in begun
    ]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A start that the machine allows, before it is written."""

    request: StartRequest
    held: Held
    event: Event
    outcome: Transit
    written: record.Written
    told: tuple[Told, ...]


def _begun(
    session: WriteSession,
    request: StartRequest,
    actor: Actor,
    needs: Needs,
    definition: Definition,
    clock: Clock,
    bulk: bool,
) -> _Begun | HoldfastError:
    if definition.subject is not request.subject_kind:
        return Refused(
            f"This playbook runs for one {definition.subject.value}, "
            f"not for one {request.subject_kind.value}.",
            code="wrong_subject",
        )
    account = request.account
    if account is not None and account not in needs.known:
        return no_account(account)
    now = clock(needs.database_now)
    known = needs.known[account] if account is not None else Statistics(0, {})
    reads = definition.reads if account is not None else ()
    started = Started(
        fields={name: known.fields.get(name) for name in reads},
        calendar=snapshot_of(needs.calendar, now),
        parameters=request.parameters,
        cause=request.cause,
        fields_version=known.version,
        reason=str(request.reason.id) if request.reason else None,
    )
    around = needs.organization.around(needs.teams[account] if account else None, now)
    held = Held(request.id, definition, account, request.contact, None, now, around)
    event = Event(f"start:{request.id}", started, actor)
    try:
        outcome = transit(definition, None, event, now)
    except HoldfastError as error:
        return error
    cause = Cause(event, None, bulk, (request.reason,) if request.reason else ())
    row = _new_execution(request, needs.version, held, outcome)
    written, told = to_be_written(session.scope.org, held, outcome, cause, row)
    return _Begun(request, held, event, outcome, written, told)


async def _outcome(
    session: WriteSession, begun: _Begun, written: frozenset[UUID]
) -> Applied | HoldfastError:
    held, state = begun.held, begun.outcome.state
    if held.id not in written:
        try:
            return await _already_there(session, begun)
        except HoldfastError as error:
            return error
    return Applied(
        held.id,
        state.number,
        held.definition,
        None,
        state,
        held.around.people,
        begun.told,
        others=await affect_others(session, held, begun.outcome),
    )


def _new_execution(
    request: StartRequest, version: versions.PublishedVersion, held: Held, outcome: Transit
) -> NewExecution:
    state, definition = outcome.state, held.definition
    actor = outcome.made[0].event.actor
    key = definition.concurrency_key
    return NewExecution(
        id=request.id,
        playbook_key=definition.key,
        version_id=version.id,
        content_hash=version.content_hash,
        engine=ENGINE_REVISION,
        subject_kind=request.subject_kind.value,
        subject_id=request.subject,
        account_id=request.account,
        contact_id=request.contact,
        status=state.status.value,
        state=orjson.dumps(state_to_json(state)),
        number=state.number,
        started_at=state.started_at,
        last_at=state.last_at,
        next_deadline=next_deadline(definition, state),
        started_by=UUID(actor.member) if actor.member else None,
        cause=request.cause,
        concurrency_value=request.parameters.get(key, "") if key else "",
        outcome=state.outcome.value if state.outcome else None,
        outcome_code=state.outcome_code,
        ended_at=state.ended_at,
    )


async def _already_there(session: WriteSession, begun: _Begun) -> Applied:
    """The same request came before, or another open execution stands in its way (law 9)."""
    request, definition = begun.request, begun.held.definition
    for execution in await executions.open_for_subject(
        session, request.subject_kind.value, request.subject, [definition.key]
    ):
        if execution == request.id:
            break
        stored = await executions.read(session, execution)
        parameters = state_from_json(stored.state).parameters
        if parameters == request.parameters or definition.concurrency_key is None:
            raise Conflict(
                "This playbook is running here already. Work on that execution, or cancel it.",
                code="execution_open",
                details={"execution": str(stored.id)},
            )
    stored = await executions.read(session, request.id)
    kept = await answers.find(session, stored.id, begun.event.id)
    same_subject = (stored.playbook_key, stored.subject_id) == (definition.key, request.subject)
    if kept is None or not same_subject or kept.request_digest != request_digest(begun.event):
        raise reused()
    state = state_from_json(stored.state)
    began_as = await versions.definition(session, stored.version_id, stored.content_hash)
    people = begun.held.around.people
    return Applied(stored.id, stored.number, began_as, state, state, people, (), repeated=True)
