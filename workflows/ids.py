"""Names of workflows: an opaque prefix of the organization and our own ids, nothing personal."""

from __future__ import annotations

import hashlib
from uuid import UUID

TASK_QUEUE = "holdfast"
"""The one queue that every worker polls, unless the settings name another."""


def organization_prefix(org: UUID) -> str:
    """Eight hexadecimal digits that tell nothing about the organization but its sameness."""
    return hashlib.sha256(str(org).encode()).hexdigest()[:8]


def workflow_id(org: UUID, execution: UUID, incarnation: int = 1) -> str:
    """The execution's workflow. Later incarnations exist only where one closed by mistake."""
    base = f"{organization_prefix(org)}-{execution}"
    return base if incarnation == 1 else f"{base}-{incarnation}"


def delivery_workflow_id(org: UUID, delivery: UUID) -> str:
    """The workflow of one delivery of its own; each redelivery is another run of it."""
    return f"{organization_prefix(org)}-delivery-{delivery}"


def digest_schedule_id(org: UUID) -> str:
    """The Temporal Schedule of an organization's daily digest."""
    return f"{organization_prefix(org)}-digest"
