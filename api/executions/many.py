"""One playbook started for many accounts by one request."""

from __future__ import annotations

from uuid import UUID

from api.executions.schemas import StartManyAnswer, StartManyBody, StartResult
from api.guard import Writing
from db.requests import Applied, StartRequest
from db.starting import start_executions
from domain.errors import HoldfastError
from domain.playbook.definition import Subject


async def start_for_accounts(work: Writing, body: StartManyBody) -> StartManyAnswer:
    """In the order of the request. Raises NotFound `playbook_not_found`, Refused
    `playbook_disabled`: these concern every account."""
    requests = [_request(work, body, account) for account in body.accounts]
    outcomes = await start_executions(work.session, requests, work.actor, clock=work.clock)
    work.heard(*(one for one in outcomes if isinstance(one, Applied)))
    results = [_result(account, one) for account, one in zip(body.accounts, outcomes, strict=True)]
    started = sum(result.started for result in results)
    return StartManyAnswer(started=started, refused=len(results) - started, results=results)


def _request(work: Writing, body: StartManyBody, account: UUID) -> StartRequest:
    part = str(account)
    return StartRequest(
        id=work.id_of(part),
        playbook=body.playbook,
        subject_kind=Subject.account,
        subject=account,
        account=account,
        contact=None,
        parameters=body.parameters,
        cause="api",
        reason=work.new_words("reason", body.reason, part) if body.reason else None,
    )


def _result(account: UUID, outcome: Applied | HoldfastError) -> StartResult:
    if isinstance(outcome, Applied):
        return StartResult(account=account, started=True, execution=outcome.execution)
    in_its_way = outcome.details.get("execution")
    return StartResult(
        account=account,
        started=False,
        execution=UUID(in_its_way) if isinstance(in_its_way, str) else None,
        code=outcome.code,
        detail=outcome.message,
    )
