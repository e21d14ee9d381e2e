"""The demo organization's past, told as past: what its transitions would have sent is not sent.

Executions of the demo are played at past instants. Every statement here works in an organization
that is marked as a demo, and in no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text

from db.bulk import table_of
from db.models.api_tokens import ApiToken
from db.models.executions import Execution
from db.sessions import ReadSession, WriteSession

E = table_of(Execution).c
T = table_of(ApiToken).c

_WITHDRAW = text(
    """
    update deliveries d
    set status = 'withdrawn', last_error = 'demo_history', created_at = t.at, ended_at = t.at
    from transitions t, organizations o
    where o.id = :org and o.demo
      and d.org_id = o.id and d.execution_id = any(:executions) and d.status = 'pending'
      and t.org_id = o.id and t.execution_id = d.execution_id and t.number = d.number
    """
).bindparams(bindparam("org", type_=Uuid()), bindparam("executions", type_=ARRAY(Uuid())))
_DATE_NOTICES = text(
    """
    update notifications n
    set created_at = t.at, read_at = case when t.at < now() - interval '2 days' then now() end
    from transitions t, organizations o
    where o.id = :org and o.demo
      and n.org_id = o.id and n.execution_id = any(:executions)
      and t.org_id = o.id and t.execution_id = n.execution_id and t.number = n.number
    """
).bindparams(bindparam("org", type_=Uuid()), bindparam("executions", type_=ARRAY(Uuid())))
_DELIVER = text(
    """
    update deliveries d
    set status = 'delivered', result = '{"demo": true}', created_at = t.at, ended_at = t.at
    from transitions t, organizations o
    where o.id = :org and o.demo
      and d.org_id = o.id and d.execution_id = :execution and d.status = 'pending'
      and d.step = :step and d.template in ('crm', 'webhook')
      and t.org_id = o.id and t.execution_id = d.execution_id and t.number = d.number
    returning d.id
    """
).bindparams(bindparam("org", type_=Uuid()), bindparam("execution", type_=Uuid()))


async def withdraw_past(session: WriteSession, executions: Sequence[UUID]) -> None:
    """Ends every delivery that these executions made so far as withdrawn, and dates what members
    were told in the app to when it was told; what is older than two days counts as read."""
    parameters = {"org": session.scope.org, "executions": list(executions)}
    await session.run(_WITHDRAW, parameters)
    await session.run(_DATE_NOTICES, parameters)


async def deliver_past(session: WriteSession, execution: UUID, step: str) -> UUID:
    """Marks what a step waits for as delivered, since in the past it would have been; its id."""
    found: UUID = (
        await session.run(
            _DELIVER, {"org": session.scope.org, "execution": execution, "step": step}
        )
    ).scalars().one()  # fmt: skip
    return found


async def begun(session: ReadSession, executions: Sequence[UUID]) -> frozenset[UUID]:
    """Which of these executions stand in the record."""
    found = await session.scalars(
        select(E.id).where(E.org_id == session.scope.org, E.id.in_(executions))
    )
    return frozenset(found)


async def has_token(session: ReadSession, name: str) -> bool:
    """Whether a token of this name has been issued in the organization."""
    found = await session.scalar(
        select(T.id).where(T.org_id == session.scope.org, T.name == name).limit(1)
    )
    return found is not None
