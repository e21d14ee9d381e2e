"""Everything that happened around an account, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Integer,
    Text,
    Uuid,
    and_,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from db.models.executions import Execution
from db.models.notes import Note
from db.models.touches import Touch
from db.models.transitions import Transition
from db.models.words import Words
from db.sessions import ReadSession


@dataclass(frozen=True, slots=True)
class Activity:
    """A touch, a note or a transition. `kind` is "touch.meeting", "note", "step_completed" …"""

    at: datetime
    recorded_at: datetime
    kind: str
    id: str
    actor: UUID | None
    execution: UUID | None
    playbook: str | None
    step: str | None
    number: int | None
    text: str | None


async def list_activity(
    session: ReadSession, account: UUID, after: tuple[datetime, str] | None, limit: int
) -> list[Activity]:
    """Activity of an account, the last first, at most `limit`, following (at, id) `after`."""
    org = session.scope.org
    nothing = (
        cast(null(), Uuid()).label("execution"),
        cast(null(), Text).label("playbook"),
        cast(null(), Text).label("step"),
        cast(null(), Integer).label("number"),
    )
    touches = (
        select(
            Touch.occurred_at.label("at"),
            Touch.recorded_at.label("recorded_at"),
            func.concat("touch.", Touch.kind).label("kind"),
            cast(Touch.id, Text).label("id"),
            Touch.member_id.label("actor"),
            *nothing,
            Words.body.label("text"),
        )
        .outerjoin(Words, and_(Words.org_id == Touch.org_id, Words.id == Touch.words_id))
        .where(Touch.org_id == org, Touch.account_id == account)
    )
    notes = (
        select(
            Note.created_at.label("at"),
            Note.created_at.label("recorded_at"),
            literal("note").label("kind"),
            cast(Note.id, Text).label("id"),
            Note.author_id.label("actor"),
            *nothing,
            Words.body.label("text"),
        )
        .join(Words, and_(Words.org_id == Note.org_id, Words.id == Note.words_id))
        .where(Note.org_id == org, Note.account_id == account)
    )
    number = func.lpad(cast(Transition.number, Text), 9, "0")
    transitions = (
        select(
            Transition.at.label("at"),
            Transition.recorded_at.label("recorded_at"),
            Transition.kind.label("kind"),
            func.concat(cast(Execution.id, Text), "/", number).label("id"),
            Transition.actor_id.label("actor"),
            Execution.id.label("execution"),
            Execution.playbook_key.label("playbook"),
            Transition.event["body"]["step"].astext.label("step"),
            Transition.number.label("number"),
            cast(null(), Text).label("text"),
        )
        .join(
            Execution,
            and_(Execution.org_id == Transition.org_id, Execution.id == Transition.execution_id),
        )
        .where(Execution.org_id == org, Execution.account_id == account)
    )
    activity = union_all(touches, notes, transitions).subquery("activity")
    query = select(activity)
    if after is not None:
        query = query.where(tuple_(activity.c.at, activity.c.id) < after)
    query = query.order_by(activity.c.at.desc(), activity.c.id.desc()).limit(limit)
    return [Activity(*row) for row in await session.execute(query)]
