"""A person's own work beside playbook steps. Titles are words in rows of their own (law 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from db.models.tasks import Task
from db.models.words import Words
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class TaskWithTitle:
    task: Task
    title: str


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What a list is narrowed to; None means anything."""

    account: UUID | None = None
    assignees: Sequence[UUID] | None = None
    status: str | None = None


async def list_tasks(
    session: ReadSession, org: UUID, wanted: TaskFilter, after: UUID | None, limit: int
) -> list[TaskWithTitle]:
    """Tasks, newest first, at most `limit`, following the id `after`."""
    conditions: list[ColumnElement[bool]] = [Task.org_id == org]
    if wanted.account is not None:
        conditions.append(Task.account_id == wanted.account)
    if wanted.assignees is not None:
        conditions.append(Task.assignee_id.in_(wanted.assignees))
    if wanted.status is not None:
        conditions.append(Task.status == wanted.status)
    if after is not None:
        conditions.append(Task.id < after)
    rows = await session.execute(
        select(Task, Words.body)
        .join(Words, (Words.org_id == Task.org_id) & (Words.id == Task.title_id))
        .where(*conditions)
        .order_by(Task.id.desc())
        .limit(limit)
    )
    return [TaskWithTitle(task, title) for task, title in rows]


async def get_task(session: ReadSession, org: UUID, task: UUID) -> TaskWithTitle:
    """Raises NotFound `task_not_found`."""
    row = (
        await session.execute(
            select(Task, Words.body)
            .join(Words, (Words.org_id == Task.org_id) & (Words.id == Task.title_id))
            .where(Task.org_id == org, Task.id == task)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(
            "There is no such task in this organization.",
            code="task_not_found",
            details={"task": str(task)},
        )
    return TaskWithTitle(row[0], row[1])


async def add_task(
    session: WriteSession, org: UUID, task: UUID, values: Mapping[str, Any]
) -> TaskWithTitle:
    """A new task; its title's words must stand already."""
    session.add(Task(org_id=org, id=task, **values))
    await session.flush()
    return await get_task(session, org, task)


async def change_task(
    session: WriteSession, org: UUID, task: UUID, changes: Mapping[str, Any]
) -> TaskWithTitle:
    """Changes columns; one that is no longer open gets its instant of closing.

    Raises NotFound `task_not_found`.
    """
    values: dict[str, Any] = dict(changes)
    if "status" in values:
        values["closed_at"] = None if values["status"] == "open" else func.now()
    if values:
        await session.run(
            update(Task)
            .where(Task.org_id == org, Task.id == task)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
    return await get_task(session, org, task)
