"""What waits for a person: steps, approvals, waivers, hand-offs and own tasks, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Subquery,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.types import DateTime, Float

from db.models.account_team import AccountTeamPlace
from db.models.accounts import Account
from db.models.escalations import Escalation
from db.models.organizations import Organization
from db.models.steps import Step
from db.models.tasks import Task
from db.models.words import Words
from db.sessions import ReadSession
from domain.playbook.rights import WAIVER_APPROVER

_INSTANT = DateTime(timezone=True)
_NEVER = 1e15
"""Seconds that stand for "no due time" in the order: after every instant."""


class Group(StrEnum):
    """In the order in which they are shown."""

    breached = "breached"
    due_today = "due_today"
    upcoming = "upcoming"
    hand_offs = "hand_offs"
    snoozed = "snoozed"


GROUPS = tuple(Group)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose inbox: the member, their roles, and the members they stand in for now."""

    member: UUID
    roles: tuple[str, ...]
    delegators: tuple[UUID, ...]

    @property
    def everyone(self) -> tuple[UUID, ...]:
        return (self.member, *self.delegators)


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One thing to do. `kind` is step, approval, waiver, hand_off, escalation or task."""

    group: Group
    order: tuple[int, float, str]
    kind: str
    execution: UUID | None
    step: str | None
    occurrence: int | None
    task: UUID | None
    title: str
    status: str
    playbook: str | None
    playbook_name: str | None
    account: UUID | None
    account_name: str | None
    contact: UUID | None
    priority: int
    required: bool
    owner: str | None
    assignee: UUID | None
    due_at: datetime | None
    breached_at: datetime | None
    follow_up_at: datetime | None
    snoozed_until: datetime | None
    level: int
    acknowledged_level: int


async def list_inbox(
    session: ReadSession,
    org: UUID,
    viewer: Viewer,
    now: datetime,
    group: Group | None,
    after: tuple[int, float, str] | None,
    limit: int,
) -> list[InboxItem]:
    """Items by group and due time, at most `limit`, following the order `after`."""
    items = _items(org, viewer, now)
    query = select(items)
    if group is not None:
        query = query.where(items.c.rank == GROUPS.index(group))
    if after is not None:
        query = query.where(tuple_(items.c.rank, items.c.due_order, items.c.ref) > after)
    query = query.order_by(items.c.rank, items.c.due_order, items.c.ref).limit(limit)
    return [_item(row._mapping) for row in await session.execute(query)]


async def count_inbox(
    session: ReadSession, org: UUID, viewer: Viewer, now: datetime
) -> dict[Group, int]:
    """How many items each group has."""
    items = _items(org, viewer, now)
    rows = await session.execute(select(items.c.rank, func.count()).group_by(items.c.rank))
    counted: dict[int, int] = {rank: count for rank, count in rows}
    return {group: counted.get(index, 0) for index, group in enumerate(GROUPS)}


async def next_opening(session: ReadSession, org: UUID, viewer: Viewer) -> datetime | None:
    """The earliest due time of what waits for the viewer; None where nothing is due."""
    return await session.scalar(
        select(func.min(Step.due_at)).where(
            Step.org_id == org,
            Step.assignee_id.in_(viewer.everyone),
            Step.closed_at.is_(None),
            Step.opened_at.is_not(None),
        )
    )


def _items(org: UUID, viewer: Viewer, now: datetime) -> Subquery:
    return union_all(
        _steps(org, viewer, now),
        _waivers(org, viewer, now),
        _escalations(org, viewer, now),
        _tasks(org, viewer, now),
    ).subquery("items")


def _end_of_day(org: UUID, now: datetime) -> ColumnElement[datetime]:
    """Midnight to come where the organization is."""
    zone = (
        select(Organization.timezone)
        .where(Organization.id == org)
        .correlate(None)
        .scalar_subquery()
    )
    here = func.timezone(zone, cast(literal(now), _INSTANT))
    return func.timezone(zone, func.date_trunc("day", here) + text("interval '1 day'"))


def _rank(
    org: UUID,
    now: datetime,
    due_at: SQLColumnExpression[Any],
    snoozed_until: SQLColumnExpression[Any],
    offered: ColumnElement[bool] | None,
    breached_at: SQLColumnExpression[Any] | None,
) -> ColumnElement[int]:
    late = due_at <= now
    if breached_at is not None:
        late = or_(breached_at.is_not(None), late)
    cases: list[tuple[ColumnElement[bool], int]] = [
        (and_(snoozed_until.is_not(None), snoozed_until > now), GROUPS.index(Group.snoozed))
    ]
    if offered is not None:
        cases.append((offered, GROUPS.index(Group.hand_offs)))
    cases.append((late, GROUPS.index(Group.breached)))
    cases.append((due_at < _end_of_day(org, now), GROUPS.index(Group.due_today)))
    return case(*cases, else_=GROUPS.index(Group.upcoming))


def _due_order(due_at: SQLColumnExpression[Any]) -> ColumnElement[float]:
    return cast(func.coalesce(func.extract("epoch", due_at), _NEVER), Float(53))


def _step_columns(
    org: UUID, now: datetime, kind: ColumnElement[str], prefix: str
) -> Select[*tuple[Any, ...]]:
    ref = func.concat(prefix, cast(Step.execution_id, Text), "/", Step.step, "/", Step.occurrence)
    return (
        select(
            _rank(
                org,
                now,
                Step.due_at,
                Step.snoozed_until,
                Step.status == "offered",
                Step.breached_at,
            ).label("rank"),
            _due_order(Step.due_at).label("due_order"),
            ref.label("ref"),
            kind.label("kind"),
            Step.execution_id.label("execution"),
            Step.step.label("step"),
            Step.occurrence.label("occurrence"),
            cast(null(), Uuid()).label("task"),
            Step.title.label("title"),
            Step.status.label("status"),
            Step.playbook_key.label("playbook"),
            Step.playbook_name.label("playbook_name"),
            Step.account_id.label("account"),
            Account.name.label("account_name"),
            Step.contact_id.label("contact"),
            Step.priority.label("priority"),
            Step.required.label("required"),
            Step.owner.label("owner"),
            Step.assignee_id.label("assignee"),
            Step.due_at.label("due_at"),
            Step.breached_at.label("breached_at"),
            Step.follow_up_at.label("follow_up_at"),
            Step.snoozed_until.label("snoozed_until"),
            Step.level.label("level"),
            Step.acknowledged_level.label("acknowledged_level"),
        )
        .outerjoin(Account, and_(Account.org_id == Step.org_id, Account.id == Step.account_id))
        .where(
            Step.org_id == org,
            Step.closed_at.is_(None),
            Step.opened_at.is_not(None),
            Step.execution_status == "running",
        )
    )


def _steps(org: UUID, viewer: Viewer, now: datetime) -> Select[*tuple[Any, ...]]:
    kind = case(
        (Step.status == "offered", "hand_off"), (Step.kind == "approval", "approval"), else_="step"
    )
    return _step_columns(org, now, kind, "s/").where(
        Step.assignee_id.in_(viewer.everyone), Step.status.in_(("open", "waiting", "offered"))
    )


def _waivers(org: UUID, viewer: Viewer, now: datetime) -> Select[*tuple[Any, ...]]:
    """Asked for by another person, and decided by a role that the viewer holds for the account."""
    role = func.coalesce(Step.approver, WAIVER_APPROVER.value)
    place = select(AccountTeamPlace.member_id).where(
        AccountTeamPlace.org_id == Step.org_id,
        AccountTeamPlace.account_id == Step.account_id,
        AccountTeamPlace.role == role,
    )
    own_place = place.where(AccountTeamPlace.member_id.in_(viewer.everyone)).exists()
    return _step_columns(org, now, literal("waiver"), "w/").where(
        Step.waiver_requested_by.is_not(None),
        Step.waiver_requested_by != viewer.member,
        or_(own_place, and_(role.in_(viewer.roles), ~place.exists())),
    )


def _escalations(org: UUID, viewer: Viewer, now: datetime) -> Select[*tuple[Any, ...]]:
    """Steps of others whose escalation the viewer was told of and nobody has acknowledged."""
    told = select(Escalation.execution_id, Escalation.step, Escalation.occurrence).where(
        Escalation.org_id == org,
        Escalation.acknowledged_at.is_(None),
        Escalation.tell.op("?|")(cast([str(member) for member in viewer.everyone], ARRAY(Text))),
    )
    return _step_columns(org, now, literal("escalation"), "e/").where(
        tuple_(Step.execution_id, Step.step, Step.occurrence).in_(told),
        or_(Step.assignee_id.is_(None), Step.assignee_id.not_in(viewer.everyone)),
    )


def _tasks(org: UUID, viewer: Viewer, now: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(
            _rank(org, now, Task.due_at, Task.snoozed_until, None, None).label("rank"),
            _due_order(Task.due_at).label("due_order"),
            func.concat("t/", cast(Task.id, Text)).label("ref"),
            literal("task").label("kind"),
            cast(null(), Uuid()).label("execution"),
            cast(null(), Text).label("step"),
            cast(null(), Step.occurrence.type).label("occurrence"),
            Task.id.label("task"),
            Words.body.label("title"),
            Task.status.label("status"),
            cast(null(), Text).label("playbook"),
            cast(null(), Text).label("playbook_name"),
            Task.account_id.label("account"),
            Account.name.label("account_name"),
            Task.contact_id.label("contact"),
            Task.priority.label("priority"),
            literal(False).label("required"),
            cast(null(), Text).label("owner"),
            Task.assignee_id.label("assignee"),
            Task.due_at.label("due_at"),
            cast(null(), _INSTANT).label("breached_at"),
            cast(null(), _INSTANT).label("follow_up_at"),
            Task.snoozed_until.label("snoozed_until"),
            literal(0).label("level"),
            literal(0).label("acknowledged_level"),
        )
        .join(Words, and_(Words.org_id == Task.org_id, Words.id == Task.title_id))
        .outerjoin(Account, and_(Account.org_id == Task.org_id, Account.id == Task.account_id))
        .where(Task.org_id == org, Task.status == "open", Task.assignee_id.in_(viewer.everyone))
    )


def _item(row: Any) -> InboxItem:
    values = dict(row)
    order = (values.pop("rank"), values.pop("due_order"), values.pop("ref"))
    return InboxItem(group=GROUPS[order[0]], order=order, **values)
