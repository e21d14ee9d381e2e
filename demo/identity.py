"""Ids of the demo: the same at every load, so that what is there already is found again."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TypeVar
from uuid import UUID

Option = TypeVar("Option")

SEED = 20_261_122
"""Everything that looks random is drawn from this number."""


def fixed(*names: str) -> UUID:
    """The id that these names stand for, in every load (a UUID of version 8)."""
    return UUID(int=_bits(names) & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62)


def dated(at: datetime, *names: str) -> UUID:
    """An id that sorts by `at`, as those of rows that were made then (a UUID of version 7)."""
    milliseconds = int(at.timestamp() * 1000) & (1 << 48) - 1
    rest = _bits(names) & ~(0xF << 76) & ~(0x3 << 62) & (1 << 80) - 1
    return UUID(int=milliseconds << 80 | rest | 0x7 << 76 | 0x2 << 62)


def share(*names: str) -> float:
    """A number from 0 to below 1 that these names stand for."""
    return (_bits(names) & (1 << 32) - 1) / (1 << 32)


def pick(options: tuple[Option, ...], *names: str) -> Option:
    """One of the options, the same for the same names."""
    return options[int(share(*names) * len(options))]


def _bits(names: tuple[str, ...]) -> int:
    return int.from_bytes(hashlib.sha256("\0".join((str(SEED), *names)).encode()).digest()[:16])
