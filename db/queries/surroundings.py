"""What a transition needs beside its execution, read in one message after the row lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text

from db.people import People
from db.prepared import Prepared
from db.queries.answers import KeptAnswer
from db.sessions import ReadSession
from domain.playbook.definition import Role

_ROLES = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`kept`: the answer under the event id asked for. `endpoints`: active webhook endpoints."""

    kept: KeptAnswer | None
    people: People
    endpoints: tuple[UUID, ...]


# A statement of its own after the lock: the one that waited for it sees answers of before.
# A team place whose member is no longer active counts as empty.
_READ = Prepared(
    text(
        """
        select
            (select jsonb_build_array(a.event_id, a.request_digest, a.answer::text)
             from answers a
             where a.org_id = :org and a.execution_id = :execution
               and a.event_id = :event) as kept,
            (select jsonb_object_agg(t.role, t.member_id) from account_team t
             join memberships m on m.org_id = t.org_id and m.id = t.member_id and m.active
             where t.org_id = :org and t.account_id = :account) as team,
            (select jsonb_agg(jsonb_build_array(m.id, m.roles, m.manager_id)
                              order by m.created_at, m.id)
             from memberships m where m.org_id = :org and m.active and not m.service) as members,
            (select jsonb_object_agg(b.member_id, b.delegate_id) from absences b
             where b.org_id = :org and b.cancelled_at is null
               and b.starts_at <= :at and b.ends_at > :at) as absent,
            (select array_agg(w.id order by w.created_at, w.id) from webhook_endpoints w
             where w.org_id = :org and w.active) as endpoints
        """
    ).bindparams(
        bindparam("org", type_=Uuid()),
        bindparam("execution", type_=Uuid()),
        bindparam("event", type_=Text()),
        bindparam("account", type_=Uuid()),
        bindparam("at", type_=DateTime(timezone=True)),
    )
)


async def read(
    session: ReadSession,
    *,
    execution: UUID | None,
    event_id: str | None,
    account: UUID | None,
    at: datetime,
) -> Surroundings:
    """The answer kept under an event id, the people of an account at an instant, the endpoints."""
    [(kept, team, members, absent, endpoints)] = await session.ask(
        _READ,
        {
            "org": session.scope.org,
            "execution": execution,
            "event": event_id,
            "account": account,
            "at": at,
        },
    )
    return Surroundings(
        kept=KeptAnswer(*kept) if kept else None,
        people=_people(team or {}, members or [], absent or {}),
        endpoints=tuple(endpoints or ()),
    )


async def people_of(session: ReadSession, account: UUID | None, at: datetime) -> People:
    """Who holds which role for an account, who manages whom, and who stands in at `at`."""
    found = await read(session, execution=None, event_id=None, account=account, at=at)
    return found.people


def _people(team: dict[str, str], members: list[Any], absent: dict[str, str]) -> People:
    organization: dict[Role, list[UUID]] = {}
    managers: dict[UUID, UUID] = {}
    for identity, roles, manager in members:
        member = UUID(identity)
        for role in roles:
            if role in _ROLES:
                organization.setdefault(Role(role), []).append(member)
        if manager is not None:
            managers[member] = UUID(manager)
    return People(
        team={Role(role): UUID(member) for role, member in team.items() if role in _ROLES},
        organization={role: tuple(holders) for role, holders in organization.items()},
        managers=managers,
        delegates={UUID(member): UUID(delegate) for member, delegate in absent.items()},
    )
