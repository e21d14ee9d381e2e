"""What a transition needs beside its execution: kept answer, people, endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, text

from db.people import People
from db.prepared import Prepared
from db.queries.answers import KeptAnswer
from db.requests import Clock
from db.sessions import ReadSession
from domain.playbook.definition import Role

_ROLES = frozenset(role.value for role in Role)
_MARGIN = timedelta(days=1)

ORGANIZATION = """
    (select jsonb_agg(jsonb_build_array(m.id, m.roles, m.manager_id) order by m.created_at, m.id)
     from memberships m where m.org_id = :org and m.active and not m.service) as members,
    (select jsonb_agg(jsonb_build_array(b.member_id, b.delegate_id, b.starts_at, b.ends_at)
                      order by b.starts_at)
     from absences b
     where b.org_id = :org and b.cancelled_at is null and b.ends_at > :since) as absences,
    (select jsonb_agg(w.id order by w.created_at, w.id) from webhook_endpoints w
     where w.org_id = :org and w.active) as endpoints
"""
"""Columns that are the same for every execution of the organization `:org`."""

TEAM = """
    (select jsonb_object_agg(t.role, t.member_id) from account_team t
     join memberships m on m.org_id = t.org_id and m.id = t.member_id and m.active
     where t.org_id = :org and t.account_id = {account})
"""
"""The team of an account. A place whose member is no longer active counts as empty."""

_PEOPLE = Prepared(
    text(f"select {TEAM.format(account=':account')}, {ORGANIZATION}").bindparams(
        bindparam("org", type_=Uuid()),
        bindparam("account", type_=Uuid()),
        bindparam("since", type_=DateTime(timezone=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`kept`: the answer under the event id asked for. `endpoints`: active webhook endpoints."""

    people: People
    endpoints: tuple[UUID, ...]
    kept: KeptAnswer | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """The columns of `ORGANIZATION`, as they were read."""

    members: Sequence[Any]
    absences: Sequence[Any]
    endpoints: Sequence[str]

    @classmethod
    def read(cls, members: Any, absences: Any, endpoints: Any) -> Organization:
        """From columns that are null where there is nothing."""
        return cls(members or (), absences or (), endpoints or ())

    def around(
        self, team: Mapping[str, str] | None, at: datetime, kept: KeptAnswer | None = None
    ) -> Surroundings:
        """Who is there at an instant, for an account with this team."""
        organization: dict[Role, list[UUID]] = {}
        managers: dict[UUID, UUID] = {}
        for identity, roles, manager in self.members:
            member = UUID(identity)
            for role in roles:
                if role in _ROLES:
                    organization.setdefault(Role(role), []).append(member)
            if manager is not None:
                managers[member] = UUID(manager)
        people = People(
            team={Role(role): UUID(one) for role, one in (team or {}).items() if role in _ROLES},
            organization={role: tuple(holders) for role, holders in organization.items()},
            managers=managers,
            delegates={
                UUID(member): UUID(delegate)
                for member, delegate, starts, ends in self.absences
                if datetime.fromisoformat(starts) <= at < datetime.fromisoformat(ends)
            },
        )
        return Surroundings(people, tuple(map(UUID, self.endpoints)), kept)


def since(clock: Clock) -> datetime:
    """Absences that ended before this are not read. By this machine's clock, a day early: which
    of them count is decided by the instant that counts."""
    return clock(datetime.now(UTC)) - _MARGIN


async def people_of(session: ReadSession, account: UUID | None, at: datetime) -> People:
    """Who holds which role for an account, who manages whom, and who stands in at `at`."""
    given = {"org": session.scope.org, "account": account, "since": at - _MARGIN}
    [(team, *columns)] = await session.ask(_PEOPLE, given)
    return Organization.read(*columns).around(team, at).people
