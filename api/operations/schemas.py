"""Answers about the process itself."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """`schema_version` is the database's, which is the one that this code needs."""

    status: Literal["ready"] = "ready"
    schema_version: str
