"""Shapes that every noun's schemas share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("say the offset from UTC, as 2026-11-22T13:00:00Z")
    return value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""An instant with its offset, given back in UTC."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,99}$")]
"""A short code, as a step's key or a reason's."""


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a zero byte is no text")
    return value


_Plain = AfterValidator(_without_nul)
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), _Plain
]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), _Plain
]
Money = Annotated[int, Field(ge=-(2**62), le=2**62)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Body(BaseModel):
    """What is sent to us: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class View(BaseModel):
    """What we answer; read from rows and values by attribute."""

    model_config = ConfigDict(from_attributes=True)
