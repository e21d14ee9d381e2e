"""Tasks as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.shapes import Body, Instant, Line, View
from db.queries.tasks import TaskWithTitle


class TaskStatus(StrEnum):
    open = "open"
    done = "done"
    dropped = "dropped"


Priority = Annotated[int, Field(ge=1, le=4)]


class TaskBody(Body):
    """Without an assignee it is the caller's own."""

    title: Line
    assignee: UUID | None = None
    account: UUID | None = None
    contact: UUID | None = None
    due_at: Instant | None = None
    priority: Priority = 2


class TaskChange(Body):
    """Only the fields that are sent change. `snoozed_until` hides it and leaves its due time."""

    status: TaskStatus = TaskStatus.open
    assignee: UUID | None = None
    due_at: Instant | None = None
    snoozed_until: Instant | None = None
    priority: Priority = 2


class TaskView(View):
    id: UUID
    title: str
    status: TaskStatus
    priority: int
    assignee: UUID
    created_by: UUID
    account: UUID | None
    contact: UUID | None
    due_at: datetime | None
    snoozed_until: datetime | None
    closed_at: datetime | None
    created_at: datetime


def view(found: TaskWithTitle) -> TaskView:
    """The answer for one task."""
    task = found.task
    return TaskView(
        id=task.id,
        title=found.title,
        status=TaskStatus(task.status),
        priority=task.priority,
        assignee=task.assignee_id,
        created_by=task.created_by,
        account=task.account_id,
        contact=task.contact_id,
        due_at=task.due_at,
        snoozed_until=task.snoozed_until,
        closed_at=task.closed_at,
        created_at=task.created_at,
    )
