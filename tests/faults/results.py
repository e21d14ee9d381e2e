"""The table that the fault suite leaves behind: what was done, how often, what was lost."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.faults.reconciling import Findings

TABLE = Path(os.environ.get("FAULTS_TABLE") or Path(tempfile.gettempdir()) / "holdfast-faults.tsv")
"""Outside the tree. One line a fault; every session begins it anew."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: how it was caused, how often, and what differed afterwards."""

    fault: str
    how: str
    runs: int
    lost: int
    doubled: int
    wrong: int


class Table:
    """Rows of this session, written as they come."""

    def __init__(self, path: Path = TABLE) -> None:
        self.path = path
        self.rows: list[Row] = []

    def add(self, fault: str, how: str, runs: int, found: Findings) -> None:
        """Write down what `reconcile` found, and refuse to go on where anything differs."""
        row = Row(fault, how, runs, len(found.lost), len(found.doubled), len(found.wrong))
        self.rows.append(row)
        with self.path.open("a") as target:
            target.write("\t".join(map(str, self._cells(row))) + "\n")
        assert found.clean, str(found)

    def lines(self) -> list[str]:
        """The table as text."""
        heads = ("fault", "how caused", "runs", "lost", "doubled", "wrong")
        cells = [heads, *(tuple(map(str, self._cells(row))) for row in self.rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(heads))]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]

    @staticmethod
    def _cells(row: Row) -> tuple[str | int, ...]:
        return row.fault, row.how, row.runs, row.lost, row.doubled, row.wrong
