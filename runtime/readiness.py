"""How a process tells its supervisor that it serves: by making the file it was told to make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

READY_FILE = "HOLDFAST_READY_FILE"


def announce_ready(environment: Mapping[str, str]) -> None:
    """Make the file named by `HOLDFAST_READY_FILE`; nothing where nobody asks."""
    path = environment.get(READY_FILE)
    if path:
        Path(path).touch()
