"""What telling and checking workflows reads and forgets: executions as lives to be kept going."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, and_, bindparam, exists, func, or_, select, text

from db.bulk import table_of
from db.models.deliveries import Delivery
from db.models.executions import Execution
from db.prepared import Prepared
from db.queries.deliveries import is_unfinished
from db.sessions import ReadSession, WriteSession

E = table_of(Execution).c
D = table_of(Delivery).c

_unfinished = exists().where(
    D.org_id == E.org_id,
    D.execution_id == E.id,
    D.carrier == "workflow",
    is_unfinished,
)
_ONE = Prepared(
    select(E.playbook_key, and_(E.status == "ended", ~_unfinished)).where(
        E.org_id == bindparam("org", type_=Uuid()), E.id == bindparam("execution", type_=Uuid())
    )
)
_FORGET = Prepared(
    text(
        """
        delete from relay r using unnest(:executions, :numbers) as t (execution_id, number)
        where r.org_id = :org and r.execution_id = t.execution_id and r.number = t.number
        """
    ).bindparams(
        bindparam("org", type_=Uuid()),
        bindparam("executions", type_=ARRAY(Uuid())),
        bindparam("numbers", type_=ARRAY(Integer())),
    )
)


@dataclass(frozen=True, slots=True)
class StoredLife:
    """`over`: the outcome is applied and none of its workflow's deliveries is unfinished."""

    playbook: str
    over: bool


async def stored(session: ReadSession, execution: UUID) -> StoredLife | None:
    """None where there is no such execution."""
    rows = await session.ask(_ONE, {"org": session.scope.org, "execution": execution})
    return StoredLife(*rows[0]) if rows else None


async def going_on(
    session: ReadSession,
    after: UUID | None,
    limit: int = 500,
    settled_for: timedelta = timedelta(minutes=1),
) -> list[UUID]:
    """Executions that need a workflow, by id from `after` on: open, or with deliveries left.

    Those whose last change is younger than `settled_for` may still be on their way to Temporal.
    """
    query = select(E.id).where(
        E.org_id == session.scope.org,
        E.last_at < func.clock_timestamp() - settled_for,
        or_(E.status != "ended", _unfinished),
    )
    if after is not None:
        query = query.where(E.id > after)
    return list(await session.scalars(query.order_by(E.id).limit(limit)))


async def forget_told(session: WriteSession, told: Sequence[tuple[UUID, int]]) -> None:
    """Forgets relay rows that were confirmed: pairs of execution and number."""
    await session.ask(
        _FORGET,
        {
            "org": session.scope.org,
            "executions": [execution for execution, _ in told],
            "numbers": [number for _, number in told],
        },
    )
