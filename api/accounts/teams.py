"""Who gets a role on an account, and how: at once where nobody holds it, else by a hand-over."""

from __future__ import annotations

from uuid import UUID

from api.accounts.schemas import PlaceBody, PlaceResult
from api.executions.answers import answer_of
from api.executions.schemas import Standing
from api.guard import Writing
from db.queries import accounts
from db.queries.account_team import holder_of
from db.requests import StartRequest
from db.starting import start_execution
from db.teams import place_member
from domain.playbook.definition import Role, Subject

HAND_OVER = "hand-over"
"""The key of the shipped playbook that carries an account from one holder to the next."""


async def give_role(
    work: Writing, account: UUID, role: Role, body: PlaceBody
) -> tuple[PlaceResult, Standing | None]:
    """Raises NotFound `account_not_found`, `member_not_found`, `playbook_not_found` (no
    hand-over), Refused `playbook_disabled`, Conflict `execution_open` (one is under way)."""
    await accounts.require_account(work.session, work.org, account)
    await work.require_member(body.member)
    giver = await holder_of(work.session, work.org, account, role.value)
    if giver == body.member:
        return PlaceResult.unchanged, None
    if giver is None:
        applied = await place_member(
            work.session,
            account,
            role,
            body.member,
            work.actor,
            work.event_id("team"),
            clock=work.clock,
        )
        work.heard(*applied)
        return PlaceResult.placed, None
    request = StartRequest(
        id=work.id_of("hand-over"),
        playbook=HAND_OVER,
        subject_kind=Subject.account,
        subject=account,
        account=account,
        contact=None,
        parameters={"role": role.value, "giver": str(giver), "receiver": str(body.member)},
        cause="owner_change",
        reason=work.new_words("reason", body.reason) if body.reason else None,
    )
    started = work.applied(
        await start_execution(work.session, request, work.actor, clock=work.clock)
    )
    return PlaceResult.hand_over_started, answer_of(started).execution
