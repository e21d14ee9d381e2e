"""Imports as they are answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.imports.mapping import ImportKind
from api.shapes import View


class ImportStatus(StrEnum):
    running = "running"
    done = "done"
    checked = "checked"  # a dry run: everything was tried, nothing kept
    refused = "refused"  # rows at fault: nothing was taken
    failed = "failed"


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
