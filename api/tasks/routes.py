"""Own work beside playbook steps: list, add, read, change."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from api.tasks.schemas import TaskBody, TaskChange, TaskStatus, TaskView, view
from db.queries import tasks
from db.queries.tasks import TaskFilter
from domain.errors import Invalid

router = router_of("tasks", "/tasks")


@router.get("")
@needs(Permission.read)
async def list_tasks(
    work: Read,
    account: UUID | None = None,
    assignee: UUID | None = None,
    status: TaskStatus | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """Tasks of the organization, the newest first; the inbox has one's own."""
    after = decode(cursor, UUID)
    wanted = TaskFilter(account, [assignee] if assignee else None, status)
    rows = await tasks.list_tasks(
        work.session, work.org, wanted, after[0] if after else None, limit + 1
    )
    return page(rows, limit, view, lambda row: (row.task.id,))


@router.post("", status_code=201)
@needs(Permission.write_records)
async def add_task(work: Write, body: TaskBody) -> TaskView:
    words = await work.write_words("task", body.title, body.account, body.contact)
    values = {
        "title_id": words,
        "assignee_id": body.assignee or work.caller.member,
        "created_by": work.caller.member,
        "account_id": body.account,
        "contact_id": body.contact,
        "due_at": body.due_at,
        "priority": body.priority,
    }
    task = await tasks.add_task(work.session, work.org, work.id_of(), values)
    await work.record("task.added", "task", task.task.id)
    return view(task)


@router.get("/{task}")
@needs(Permission.read)
async def get_task(work: Read, task: UUID) -> TaskView:
    return view(await tasks.get_task(work.session, work.org, task))


@router.patch("/{task}")
@needs(Permission.write_records)
async def change_task(work: Write, task: UUID, body: TaskChange) -> TaskView:
    changes = body.model_dump(exclude_unset=True)
    if "assignee" in changes:
        if changes["assignee"] is None:
            raise Invalid("A task needs an assignee; name a member.", code="assignee_missing")
        changes["assignee_id"] = changes.pop("assignee")
    changed = await tasks.change_task(work.session, work.org, task, changes)
    await work.record("task.changed", "task", task, {"fields": sorted(changes)})
    return view(changed)
