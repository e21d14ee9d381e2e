"""Cursor pagination: a page is what follows a cursor, never an offset."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel

from domain.errors import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before")
]


class Page(BaseModel, Generic[Item]):
    """One page; `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None


def encode(*parts: str | float | datetime | UUID | None) -> str:
    """An opaque cursor of the last row's sort key."""
    packed = orjson.dumps([str(p) if isinstance(p, UUID) else p for p in parts])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(cursor: str | None, *kinds: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """The sort key in a cursor, each part read by its kind. Raises Invalid `invalid_cursor`."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError("not the cursor of this list")
        return tuple(
            None if part is None else kind(part) for kind, part in zip(kinds, parts, strict=True)
        )
    except (ValueError, TypeError, binascii.Error, AttributeError) as error:
        raise Invalid(
            "This cursor is not one of ours; ask for the first page without a cursor.",
            code="invalid_cursor",
        ) from error


def page(
    rows: Sequence[Row],
    limit: int,
    item: Callable[[Row], Item],
    key: Callable[[Row], tuple[str | float | datetime | UUID | None, ...]],
) -> Page[Item]:
    """A page of `limit` items out of rows that were asked for with one more than that."""
    shown = rows[:limit]
    following = encode(*key(shown[-1])) if len(rows) > limit and shown else None
    return Page(items=[item(row) for row in shown], next_cursor=following)
