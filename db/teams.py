"""A change of who holds a role on an account, carried to the account's open work."""

from __future__ import annotations

from uuid import UUID

from db.queries import executions
from db.queries.account_team import put_place
from db.requests import Applied, Clock
from db.sessions import WriteSession
from db.transitions import apply_event, hold
from domain.playbook.definition import Role
from domain.playbook.events import Actor, Event, TeamChanged


async def place_member(
    session: WriteSession,
    account: UUID,
    role: Role,
    member: UUID,
    actor: Actor,
    event_id: str,
    *,
    clock: Clock,
) -> tuple[Applied, ...]:
    """Gives a role that nobody holds to a member; open executions resolve their steps anew."""
    await put_place(session, session.scope.org, account, role.value, member)
    body = TeamChanged(role, None, str(member))
    return tuple(
        [
            await apply_event(
                session,
                await hold(session, one, event_id, clock=clock),
                Event(event_id, body, actor),
                bulk=True,
            )
            for one in await executions.open_for_account(session, account)
        ]
    )
