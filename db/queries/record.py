"""One transaction's worth of transitions, written in one message to the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import CTE, Uuid, bindparam, func, select, update

from db.bulk import Row, encoded, insertion, recordset, table_of, upsertion
from db.models.answers import Answer
from db.models.audit_entries import AuditEntry
from db.models.deliveries import Delivery
from db.models.escalations import Escalation
from db.models.executions import Execution
from db.models.notifications import Notification
from db.models.relay import RelayRow
from db.models.steps import Step
from db.models.transitions import Transition
from db.prepared import Prepared
from db.queries.audit import AUDIT_COLUMNS, NewAuditEntry
from db.sessions import WriteSession
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class ExecutionChange:
    """What the last of the transitions leaves; `state` is its JSON.

    `version_id` and `content_hash` are named where a migration moved it to another version.
    """

    status: str
    state: bytes
    number: int
    last_at: datetime
    next_deadline: datetime | None
    outcome: str | None
    outcome_code: str | None
    ended_at: datetime | None
    version_id: UUID | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class NewTransition:
    """`event` and `commands` are JSON; `kind` is the event's."""

    number: int
    event_id: str
    kind: str
    event: bytes
    at: datetime
    late: bool
    commands: bytes
    digest: str
    actor_id: UUID | None
    on_behalf_of: UUID | None
    reason_code: str | None
    next_deadline: datetime | None
    ended: bool


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """The answer kept under an event id; `answer` is JSON."""

    event_id: str
    request_digest: str
    answer: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """Everything that transitions of one execution write.

    Rows of `steps`, `escalations`, `deliveries` and `notifications` are mappings of their
    tables' columns (`org_id` is taken from the scope). Each transition gets a relay row. `change`
    is None where the execution was inserted just now.
    """

    execution: UUID
    change: ExecutionChange | None
    transitions: Sequence[NewTransition]
    steps: Sequence[Row] = ()
    escalations: Sequence[Row] = ()
    deliveries: Sequence[Row] = ()
    notifications: Sequence[Row] = ()
    answers: Sequence[NewAnswer] = ()
    audit: Sequence[NewAuditEntry] = ()
    bulk: bool = field(default=False)  # told by the relay alone, behind people's


TRANSITION_COLUMNS = tuple(NewTransition.__dataclass_fields__)
CHANGE_COLUMNS = tuple(ExecutionChange.__dataclass_fields__)
STAYING = frozenset({"version_id", "content_hash"})
"""Columns that null leaves as they are."""
STEP_KEY = ("execution_id", "step", "occurrence")
STEP_COLUMNS = tuple(
    column.name for column in table_of(Step).columns if column.name not in {"org_id", *STEP_KEY}
)
ESCALATION_COLUMNS = (
    "id",
    "execution_id",
    "number",
    "step",
    "occurrence",
    "level",
    "due_at",
    "late",
    "tell",
    "took_over_id",
)
DELIVERY_COLUMNS = (
    "id",
    "execution_id",
    "number",
    "ordinal",
    "step",
    "occurrence",
    "channel",
    "recipient_kind",
    "recipient_id",
    "template",
    "params",
    "urgent",
    "carrier",
    "not_before",
)
NOTIFICATION_COLUMNS = (
    "id",
    "member_id",
    "code",
    "execution_id",
    "account_id",
    "number",
    "step",
    "occurrence",
    "params",
    "urgent",
)


def _updated() -> CTE:
    table = table_of(Execution)
    new = recordset(Execution, ("id", *CHANGE_COLUMNS), "change")
    return (
        update(table)
        .where(
            table.c.org_id == bindparam("org", type_=Uuid()),
            table.c.id == new.c.id,
        )
        .values(
            {
                name: func.coalesce(new.c[name], table.c[name]) if name in STAYING else new.c[name]
                for name in CHANGE_COLUMNS
            }
        )
        .returning(table.c.id)
        .cte("updated")
    )


_PARTS = (
    insertion(Transition, ("execution_id", *TRANSITION_COLUMNS), "transitions"),
    upsertion(Step, STEP_KEY, STEP_COLUMNS, "steps"),
    insertion(Escalation, ESCALATION_COLUMNS, "escalations"),
    insertion(Delivery, DELIVERY_COLUMNS, "deliveries"),
    insertion(Notification, NOTIFICATION_COLUMNS, "notifications"),
    insertion(RelayRow, ("execution_id", "number", "bulk"), "relay"),
    insertion(Answer, ("execution_id", "event_id", "request_digest", "answer"), "answers"),
    insertion(AuditEntry, AUDIT_COLUMNS, "audit"),
)


def _all_at_once() -> Prepared:
    write = select(func.count()).select_from(_updated())
    for part in _PARTS:
        write = write.add_cte(part.cte(f"made_{part.table.name}"))
    return Prepared(write)


_WRITE = _all_at_once()


async def write(session: WriteSession, written: Written) -> None:
    """Writes it all, or raises and leaves the transaction to be undone.

    The execution's row must be held by this transaction. Raises NotFound where it is missing.
    """
    execution = {"execution_id": written.execution}
    transitions = [_with(execution, row) for row in written.transitions]
    parameters = {
        "org": session.scope.org,
        "change": encoded(
            [_with({"id": written.execution}, written.change)] if written.change else []
        ),
        "transitions": encoded(transitions),
        "steps": encoded(written.steps),
        "escalations": encoded(written.escalations),
        "deliveries": encoded(written.deliveries),
        "notifications": encoded(written.notifications),
        "relay": encoded(
            [
                {**execution, "number": row.number, "bulk": written.bulk}
                for row in written.transitions
            ]
        ),
        "answers": encoded([_with(execution, row) for row in written.answers]),
        "audit": encoded(written.audit),
    }
    [(updated,)] = await session.ask(_WRITE, parameters)
    if updated != (1 if written.change else 0):
        raise NotFound(
            "The execution went away while it was written.",
            code="execution_not_found",
            details={"execution": str(written.execution)},
        )


def _with(more: Row, row: NewTransition | NewAnswer | ExecutionChange) -> Row:
    return {**more, **{name: getattr(row, name) for name in row.__dataclass_fields__}}
