"""What a message is about and who gets it: the words of mails stand in rows, not in deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from db.bulk import table_of
from db.models.accounts import Account
from db.models.calendars import Calendar
from db.models.contacts import Contact
from db.models.deliveries import Delivery
from db.models.executions import Execution
from db.models.memberships import Membership
from db.models.organizations import Organization
from db.models.steps import Step
from db.models.users import User
from db.sessions import ReadSession

D = table_of(Delivery).c
E = table_of(Execution).c
S = table_of(Step).c
A = table_of(Account).c


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody who can be written to."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class House:
    """The organization a message comes from; `timezone` is an IANA name."""

    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class About:
    """One delivery with what its words need. `status` is the step's, None without one."""

    delivery: UUID
    template: str
    params: dict[str, Any]
    execution: UUID | None
    playbook: str | None
    account: UUID | None
    account_name: str | None
    step: str | None
    title: str | None
    due_at: datetime | None
    status: str | None


_ABOUT = (
    select(
        D.id,
        D.template,
        D.params,
        D.execution_id,
        E.playbook_key,
        E.account_id,
        A.name,
        D.step,
        S.title,
        S.due_at,
        S.status,
    )
    .outerjoin(E.id.table, and_(E.org_id == D.org_id, E.id == D.execution_id))
    .outerjoin(
        S.step.table,
        and_(
            S.org_id == D.org_id,
            S.execution_id == D.execution_id,
            S.step == D.step,
            S.occurrence == D.occurrence,
        ),
    )
    .outerjoin(A.id.table, and_(A.org_id == E.org_id, A.id == E.account_id))
)


async def about(session: ReadSession, deliveries: Sequence[UUID]) -> list[About]:
    """What these deliveries are about, the oldest first."""
    rows = await session.execute(
        _ABOUT.where(D.org_id == session.scope.org, D.id.in_(deliveries)).order_by(
            D.created_at, D.number, D.ordinal
        )
    )
    return [About(*row) for row in rows]


async def database_now(session: ReadSession) -> datetime:
    """The database's clock, which leases and waits are counted by."""
    now = await session.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)
    return now


async def house(session: ReadSession) -> House:
    """Who writes; the zone is that of the default calendar, else the organization's own."""
    found = await session.execute(
        select(Organization.name, Organization.timezone, Calendar.timezone)
        .outerjoin(Calendar, and_(Calendar.org_id == Organization.id, Calendar.is_default))
        .where(Organization.id == session.scope.org)
    )
    name, own, calendar = found.one()
    return House(name, calendar or own)


async def member_address(session: ReadSession, member: UUID) -> Address | None:
    """An active member's address; None where there is none to write to."""
    found = await session.execute(
        select(User.name, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.org_id == session.scope.org, Membership.id == member, Membership.active)
    )
    row = found.first()
    return None if row is None else Address(*row)


async def contact_address(session: ReadSession, contact: UUID) -> Address | None:
    """An active contact's address; None where there is none to write to."""
    found = await session.execute(
        select(Contact.name, Contact.email).where(
            Contact.org_id == session.scope.org, Contact.id == contact, Contact.active
        )
    )
    row = found.first()
    return None if row is None or row[1] is None else Address(row[0], row[1])


async def left_for_step(
    session: ReadSession, execution: UUID, number: int, step: str, but: UUID
) -> tuple[int, int]:
    """Of a step's other messages in one transition: how many are unfinished, how many died."""
    rows = await session.scalars(
        select(Delivery.status).where(
            Delivery.org_id == session.scope.org,
            Delivery.execution_id == execution,
            Delivery.number == number,
            Delivery.step == step,
            Delivery.id != but,
            Delivery.template.in_(("webhook", "crm", "survey")),
        )
    )
    states = list(rows)
    return (
        sum(state in ("pending", "claimed") for state in states),
        sum(state == "dead" for state in states),
    )
