"""The inbox as it is answered, and bulk commands on it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from api.shapes import Body, Code, Instant, Prose, View
from api.steps.schemas import Occurrence
from db.queries.inbox import Group
from domain.playbook.definition import Role

MOST_ROWS = 200


class ItemKind(StrEnum):
    step = "step"
    approval = "approval"
    waiver = "waiver"
    hand_off = "hand_off"
    escalation = "escalation"
    task = "task"


class InboxItemView(View):
    """`assignee` is somebody else where the caller stands in for them."""

    group: Group
    kind: ItemKind
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
    owner: Role | None
    assignee: UUID | None
    due_at: datetime | None
    breached_at: datetime | None
    follow_up_at: datetime | None
    snoozed_until: datetime | None
    level: int
    acknowledged_level: int


class InboxView(View):
    """One page, in the order of the groups; `now` is the server's clock."""

    now: datetime
    counts: dict[Group, int]
    standing_in_for: list[UUID]
    items: list[InboxItemView]
    next_cursor: str | None


class BulkRow(Body):
    """One step, or one task."""

    execution: UUID | None = None
    step: Code | None = None
    occurrence: Occurrence = 1
    task: UUID | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> BulkRow:
        is_step = self.execution is not None and self.step is not None
        if is_step == (self.task is not None):
            raise ValueError("name an execution and its step, or a task")
        return self


class BulkBody(Body):
    """`snooze` needs `until` and a reason, `reassign` needs `to`."""

    command: Literal["complete", "snooze", "reassign"]
    rows: Annotated[list[BulkRow], Field(min_length=1, max_length=MOST_ROWS)]
    until: Instant | None = None
    to: UUID | None = None
    reason: Prose | None = None

    @model_validator(mode="after")
    def _whole(self) -> BulkBody:
        if self.command == "snooze" and (self.until is None or self.reason is None):
            raise ValueError("a snooze needs `until` and a reason")
        if self.command == "reassign" and self.to is None:
            raise ValueError("say in `to` who gets it")
        return self


class BulkResult(View):
    """What became of one row: `code` and `detail` as in a problem where it was refused."""

    index: int
    done: bool
    code: str | None = None
    detail: str | None = None
    status: str | None = None
    number: int | None = None


class BulkAnswer(View):
    done: int
    refused: int
    results: list[BulkResult]
