"""Runs of playbook versions. Written by `db/transitions.py` alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from db.models.base import Base, WithinOrganization, refers, word


class Execution(WithinOrganization, Base):
    """`state` is the whole state as canonical JSON; `number` its last transition's."""

    __tablename__ = "executions"
    __table_args__ = (
        refers("version_id", to="playbook_versions.id"),
        refers("account_id", to="accounts.id"),
        refers("contact_id", to="contacts.id"),
        refers("started_by", to="memberships.id"),
        CheckConstraint("status in ('running', 'paused', 'ended')", name="status"),
        CheckConstraint(
            "subject_kind in ('account', 'contact', 'team', 'organization')", name="subject_kind"
        ),
        Index(
            "uq_executions_one_open",
            "org_id",
            "subject_kind",
            "subject_id",
            "playbook_key",
            "concurrency_value",
            unique=True,
            postgresql_where=text("status <> 'ended'"),
        ),
        Index(
            "ix_executions_next_deadline",
            "org_id",
            "next_deadline",
            postgresql_where=text("status = 'running' and next_deadline is not null"),
        ),
        Index("ix_executions_org_id_account_id", "org_id", "account_id", "started_at"),
        Index("ix_executions_org_id_started_at", "org_id", "started_at", "id"),
    )

    playbook_key: Mapped[str]
    version_id: Mapped[UUID]
    content_hash: Mapped[str]
    engine: Mapped[int]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    concurrency_value: Mapped[str] = word("")
    status: Mapped[str]
    state: Mapped[dict[str, Any]]
    number: Mapped[int]
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]
    next_deadline: Mapped[datetime | None]
    outcome: Mapped[str | None]
    outcome_code: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    started_by: Mapped[UUID | None]
    cause: Mapped[str]
