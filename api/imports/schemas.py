"""Imports as they are answered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.imports.mapping import ImportKind
from api.shapes import View
from db.models.imports import Import


class ImportStatus(StrEnum):
    running = "running"
    done = "done"
    checked = "checked"  # a dry run: everything was tried, nothing kept
    refused = "refused"  # rows at fault: nothing was taken
    failed = "failed"
    interrupted = "interrupted"  # whoever was at it is gone: nothing was taken


class FaultView(View):
    """`row` is the line of the file on which the row ends, the header's is 1."""

    row: int
    column: str
    code: str
    message: str


class ImportView(View):
    """While it runs, `total` counts the rows read so far."""

    id: UUID
    kind: ImportKind
    status: ImportStatus
    file_digest: str
    mapping: dict[str, Any]
    total: int
    created: int
    updated: int
    unchanged: int
    faults: list[FaultView]
    started_by: UUID | None
    created_at: datetime
    ended_at: datetime | None


def view(row: Import, interrupted: Collection[UUID]) -> ImportView:
    """One import as it stands; the ids of those that nobody is at any more are given."""
    made = ImportView.model_validate(row)
    if made.id in interrupted:
        made.status = ImportStatus.interrupted
    return made
