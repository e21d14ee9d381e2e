"""Audit entries and the state of their chain as they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import field_validator

from api.shapes import View


class AuditView(View):
    """`seq`, `prev_hash` and `hash` (hex) are null until the sealer has chained the entry."""

    id: UUID
    at: datetime
    recorded_at: datetime
    actor_id: UUID | None
    on_behalf_of: UUID | None
    action: str
    outcome: str
    object_kind: str
    object_id: str
    reason_id: UUID | None
    reason_code: str | None
    seen: dict[str, Any] | None
    data: dict[str, Any] | None
    seq: int | None
    prev_hash: str | None
    hash: str | None

    @field_validator("prev_hash", "hash", mode="before")
    @classmethod
    def _hex(cls, value: object) -> object:
        return value.hex() if isinstance(value, bytes) else value


class VerifyView(View):
    """`unsealed` entries are not chained yet and not vouched for. `fault` says what is wrong at
    `broken_at`: an entry was "changed", one is "missing", or the end was "cut"."""

    ok: bool
    sealed: int
    unsealed: int
    head: str
    fault: str | None
    broken_at: int | None

    @field_validator("head", mode="before")
    @classmethod
    def _hex(cls, value: object) -> object:
        return value.hex() if isinstance(value, bytes) else value
