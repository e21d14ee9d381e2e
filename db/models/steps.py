"""Occurrences of steps as people read them; rewritten from the state by each transition."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, refers, starting_at


class Step(Base):
    """One row per occurrence. `assignee_id` is the member who holds it now, resolved.

    `execution_status` repeats the execution's, so that an inbox reads one table.
    """

    __tablename__ = "steps"
    __table_args__ = (
        refers("execution_id", to="executions.id"),
        refers("assignee_id", to="memberships.id"),
        Index(
            "ix_steps_inbox",
            "org_id",
            "assignee_id",
            "due_at",
            "execution_id",
            "step",
            "occurrence",
            postgresql_where=text("closed_at is null and opened_at is not null"),
        ),
        Index(
            "ix_steps_open",
            "org_id",
            "due_at",
            "execution_id",
            "step",
            "occurrence",
            postgresql_where=text("closed_at is null and opened_at is not null"),
        ),
        Index("ix_steps_org_id_account_id", "org_id", "account_id", "opened_at"),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    occurrence: Mapped[int] = mapped_column(primary_key=True)
    execution_status: Mapped[str]
    playbook_key: Mapped[str]
    playbook_name: Mapped[str]
    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    phase: Mapped[str]
    title: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    required: Mapped[bool]
    urgent: Mapped[bool]
    priority: Mapped[int]
    owner: Mapped[str]
    approver: Mapped[str | None]
    hand_off_to: Mapped[str | None]
    assignee_id: Mapped[UUID | None]
    opens_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    first_due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    waiting_reason: Mapped[str | None]
    follow_up_at: Mapped[datetime | None]
    waited: Mapped[int] = starting_at(0)
    level: Mapped[int] = starting_at(0)
    acknowledged_level: Mapped[int] = starting_at(0)
    waiver_requested_by: Mapped[UUID | None]
    waiver_requested_at: Mapped[datetime | None]
    choice: Mapped[str | None]
    changed_at: Mapped[datetime]
