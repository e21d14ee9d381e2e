"""Transitions as they were made: what workflows are told, and what a timeline shows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db.bulk import table_of
from db.models.deliveries import Delivery
from db.models.executions import Execution
from db.models.transitions import Transition
from db.prepared import Prepared
from db.sessions import ReadSession
from domain.playbook.telling import Told

T = table_of(Transition).c
D = table_of(Delivery).c
E = table_of(Execution).c

_playbook = (
    select(E.playbook_key).where(E.org_id == T.org_id, E.id == T.execution_id).scalar_subquery()
)
_carried = (
    select(func.array_agg(aggregate_order_by(D.id, D.ordinal), type_=ARRAY(Uuid())))
    .where(
        D.org_id == T.org_id,
        D.execution_id == T.execution_id,
        D.number == T.number,
        D.carrier == "workflow",
    )
    .scalar_subquery()
)
_SINCE = Prepared(
    select(
        T.number,
        T.kind,
        T.event_id,
        T.reason_code,
        T.at,
        T.digest,
        T.next_deadline,
        _carried,
        T.ended,
        case((T.number == 0, _playbook)),
    )
    .where(
        T.org_id == bindparam("org", type_=Uuid()),
        T.execution_id == bindparam("execution", type_=Uuid()),
        T.number > bindparam("known"),
    )
    .order_by(T.number)
)


async def told_since(session: ReadSession, execution: UUID, known: int) -> tuple[Told, ...]:
    """What a workflow that knows up to `known` is to be told, in order; -1 knows nothing."""
    rows = await session.ask(
        _SINCE, {"org": session.scope.org, "execution": execution, "known": known}
    )
    return tuple(
        Told(
            number=number,
            event=kind,
            event_id=event_id,
            reason_code=code,
            at=at,
            digest=digest,
            next_deadline=due,
            deliveries=tuple(str(one) for one in carried or ()),
            ended=ended,
            playbook=playbook,
        )
        for number, kind, event_id, code, at, digest, due, carried, ended, playbook in rows
    )


async def list_transitions(
    session: ReadSession, execution: UUID, after: int = -1, limit: int = 1000
) -> Sequence[Transition]:
    """Transitions in order, at most `limit`, following the number `after`."""
    found = await session.scalars(
        select(Transition)
        .where(
            Transition.org_id == session.scope.org,
            Transition.execution_id == execution,
            Transition.number > after,
        )
        .order_by(Transition.number)
        .limit(limit)
    )
    return found.all()
