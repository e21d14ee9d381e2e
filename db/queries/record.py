"""One transaction's worth of transitions, of one execution or many, written in one message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Uuid, bindparam, func, select, union_all, update

from db.bulk import Row, encoded, insertion, recordset, table_of, upsertion
from db.models.answers import Answer
from db.models.audit_entries import AuditEntry
from db.models.deliveries import Delivery
from db.models.escalations import Escalation
from db.models.evidence import Evidence
from db.models.executions import Execution
from db.models.notifications import Notification
from db.models.relay import RelayRow
from db.models.steps import Step
from db.models.transitions import Transition
from db.models.words import Words
from db.prepared import Prepared
from db.queries.audit import AUDIT_COLUMNS, NewAuditEntry
from db.queries.words import EvidenceRow, WordsRow
from db.sessions import WriteSession


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An execution after its first transitions; `state` is its JSON."""

    id: UUID
    playbook_key: str
    version_id: UUID
    content_hash: str
    engine: int
    subject_kind: str
    subject_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    status: str
    state: bytes
    number: int
    started_at: datetime
    last_at: datetime
    next_deadline: datetime | None
    started_by: UUID | None
    cause: str
    concurrency_value: str = ""
    outcome: str | None = None
    outcome_code: str | None = None
    ended_at: datetime | None = None


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
    tables' columns (`org_id` is taken from the scope). Each transition gets a relay row.
    `execution` is the new one, or what changes of the one that is held.
    """

    id: UUID
    execution: NewExecution | ExecutionChange
    transitions: Sequence[NewTransition]
    steps: Sequence[Row] = ()
    escalations: Sequence[Row] = ()
    deliveries: Sequence[Row] = ()
    notifications: Sequence[Row] = ()
    answers: Sequence[NewAnswer] = ()
    audit: Sequence[NewAuditEntry] = ()
    words: Sequence[WordsRow] = ()
    evidence: Sequence[EvidenceRow] = ()
    bulk: bool = field(default=False)  # told by the relay alone, behind people's


EXECUTION_COLUMNS = tuple(NewExecution.__dataclass_fields__)
WORDS_COLUMNS = tuple(WordsRow.__dataclass_fields__)
EVIDENCE_COLUMNS = tuple(EvidenceRow.__dataclass_fields__)
ANSWER_COLUMNS = ("execution_id", *NewAnswer.__dataclass_fields__)
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


def _begun() -> CTE:
    return (
        insertion(Execution, EXECUTION_COLUMNS, "begun")
        .on_conflict_do_nothing()
        .returning(table_of(Execution).c.id)
        .cte("begun")
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


def _all_at_once() -> Prepared:
    """Everything hangs on its execution's row: where that is not written, nothing of it is."""
    one = union_all(select(_begun().c.id), select(_updated().c.id)).cte("one")
    parts = (
        insertion(Transition, ("execution_id", *TRANSITION_COLUMNS), "transitions", one),
        upsertion(Step, STEP_KEY, STEP_COLUMNS, "steps", one),
        insertion(Escalation, ESCALATION_COLUMNS, "escalations", one),
        insertion(Delivery, DELIVERY_COLUMNS, "deliveries", one),
        insertion(Notification, NOTIFICATION_COLUMNS, "notifications", one),
        insertion(RelayRow, ("execution_id", "number", "bulk"), "relay", one),
        insertion(Answer, ANSWER_COLUMNS, "answers", one),
        insertion(AuditEntry, AUDIT_COLUMNS, "audit", one),
        insertion(Words, WORDS_COLUMNS, "words", one),
        insertion(Evidence, EVIDENCE_COLUMNS, "evidence", one),
    )
    write = select(one.c.id)
    for part in parts:
        write = write.add_cte(part.cte(f"made_{part.table.name}"))
    return Prepared(write)


_WRITE = _all_at_once()


async def write(session: WriteSession, *written: Written) -> frozenset[UUID]:
    """The executions that were written, each with all that hangs on it, or nothing of it: where
    another open execution stands in the way of a new one (law 9), or one that changes is not
    there. Their rows must be held by this transaction.
    """
    changed = [one for one in written if isinstance(one.execution, ExecutionChange)]
    parameters = {
        "org": session.scope.org,
        "begun": encoded([one.execution for one in written if one not in changed]),
        "change": encoded([_row(one.execution, id=one.id) for one in changed]),
        "transitions": _rows(written, lambda one: one.transitions),
        "steps": _rows(written, lambda one: one.steps),
        "escalations": _rows(written, lambda one: one.escalations),
        "deliveries": _rows(written, lambda one: one.deliveries),
        "notifications": _rows(written, lambda one: one.notifications),
        "relay": _rows(
            written,
            lambda one: [{"number": row.number, "bulk": one.bulk} for row in one.transitions],
        ),
        "answers": _rows(written, lambda one: one.answers),
        "audit": _rows(written, lambda one: one.audit),
        "words": _rows(written, lambda one: one.words),
        "evidence": _rows(written, lambda one: one.evidence),
    }
    return frozenset(row[0] for row in await session.ask(_WRITE, parameters))


def _rows(written: Sequence[Written], part: Callable[[Written], Sequence[Any]]) -> bytes:
    """That part of all of them, each row with the id of its execution."""
    return encoded(
        [_row(row, of=one.id, execution_id=one.id) for one in written for row in part(one)]
    )


def _row(row: Any, **more: object) -> Row:
    if isinstance(row, Mapping):
        return {**row, **more}
    return {**{name: getattr(row, name) for name in row.__dataclass_fields__}, **more}
