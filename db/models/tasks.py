"""A person's own work beside playbook steps. Its title is words."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from db.models.base import Base, OfOrganization, recorded, refers, starting_at, word


class Task(OfOrganization, Base):
    """`status`: open, done or dropped. `priority`: 1 first to 4 last."""

    __tablename__ = "tasks"
    __table_args__ = (
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("assignee_id", to="memberships.id"),
        refers("created_by", to="memberships.id"),
        refers("title_id", to="words.id"),
        CheckConstraint("status in ('open', 'done', 'dropped')", name="status"),
        Index(
            "ix_tasks_inbox",
            "org_id",
            "assignee_id",
            "due_at",
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_tasks_org_id_account_id", "org_id", "account_id"),
    )

    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID]
    created_by: Mapped[UUID]
    title_id: Mapped[UUID]
    status: Mapped[str] = word("open")
    priority: Mapped[int] = starting_at(2)
    due_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = recorded()
