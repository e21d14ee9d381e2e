"""Reads a CSV file row by row and says of every row what is wrong with it. Knows no database.

Memory stays bounded: one row at a time, at most `FAULTS_LISTED` faults.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from api.imports.mapping import Column, Mapping, Target
from domain.errors import Invalid

FAULTS_LISTED = 200
"""Faults kept by name; beyond that they are counted."""

LONGEST_VALUE = 10_000
"""Characters of one value, our choice; a longer one is nearly always a missing quote."""

_MAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}")

LARGEST_INTEGER = 2**31 - 1
LARGEST_CENTS = 2**62

CONTACT_KINDS = ("decision_maker", "influencer", "champion", "end_user")

Value = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `row` is the line of the file on which the row ends; no value is repeated."""

    row: int
    column: str
    code: str
    message: str


@dataclass(slots=True)
class Faults:
    """The first faults by name and the number of all."""

    listed: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, row: int, column: str, code: str, message: str) -> None:
        self.count += 1
        if len(self.listed) < FAULTS_LISTED:
            self.listed.append(Fault(row, column, code, message))


@dataclass(frozen=True, slots=True)
class Row:
    """One sound row: its number, and a value for each target in the mapping's order."""

    number: int
    values: tuple[Value, ...]


def read(file: BinaryIO, mapping: Mapping, faults: Faults) -> Iterator[Row]:
    """Yields the sound rows and adds a fault for each other one.

    Raises Invalid for what is wrong with the whole file: `file_empty`, `file_encoding`,
    `file_header`, `file_format`.
    """
    targets = mapping.targets()
    csv.field_size_limit(1_000_000)
    text = io.TextIOWrapper(file, encoding=mapping.encoding, errors="strict", newline="")
    try:
        reader = csv.reader(text, delimiter=mapping.delimiter, strict=True)
        header = next(reader, None)
        positions = _positions(header, targets)
        assert header is not None
        for cells in reader:
            if not cells:
                continue
            row = _row(reader.line_num, cells, len(header), positions, mapping, faults)
            if row is not None:
                yield row
    except UnicodeError as error:
        raise Invalid(
            f"The file is not valid {mapping.encoding}. Save it as UTF-8, or name its encoding "
            'in the mapping, as "encoding": "windows-1252".',
            code="file_encoding",
            details={"encoding": mapping.encoding},
        ) from error
    except csv.Error as error:
        raise Invalid(
            f"The file stops being CSV at line {reader.line_num}: look for a quote that is not "
            "closed, or another delimiter than the mapping's.",
            code="file_format",
            details={"line": reader.line_num},
        ) from error
    finally:
        text.detach()


def _positions(header: list[str] | None, targets: list[Target]) -> list[tuple[int, Target]]:
    if header is None or not any(cell.strip() for cell in header):
        raise Invalid("The file is empty; its first row must name the columns.", code="file_empty")
    names = [cell.strip() for cell in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    wanted = {target.column for target in targets}
    missing = sorted(wanted - set(names))
    if missing:
        raise Invalid(
            f"The file has no column {', '.join(missing)}. It has: {', '.join(names[:50])}. "
            "Correct the mapping or the file's first row.",
            code="file_header",
            details={"missing": missing, "columns": names[:50]},
        )
    if wanted & set(twice):
        raise Invalid(
            f"The column {', '.join(sorted(wanted & set(twice)))} stands twice in the first row; "
            "rename one of the two.",
            code="file_header",
            details={"twice": twice},
        )
    return [(names.index(target.column), target) for target in targets]


def _row(
    number: int,
    cells: list[str],
    width: int,
    positions: list[tuple[int, Target]],
    mapping: Mapping,
    faults: Faults,
) -> Row | None:
    if len(cells) != width:
        faults.add(
            number, "", "row_width", f"The row has {len(cells)} values, the first row {width}."
        )
        return None
    values: list[Value] = []
    sound = True
    for position, target in positions:
        try:
            values.append(value_of(cells[position].strip(), target, mapping))
        except ValueFault as fault:
            sound = False
            faults.add(number, target.column, fault.code, str(fault))
    return Row(number, tuple(values)) if sound else None


class ValueFault(ValueError):
    """One value that is not what the mapping says."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def value_of(cell: str, target: Target, mapping: Mapping) -> Value:
    """The value of one cell; an empty one is None. Raises ValueFault."""
    if not cell:
        if target.required:
            raise ValueFault("value_missing", "A value is needed here.")
        return None
    if len(cell) > LONGEST_VALUE:
        raise ValueFault("value_too_long", f"More than {LONGEST_VALUE} characters.")
    if "\x00" in cell:
        raise ValueFault("value_not_text", "A zero byte is no text.")
    match target.kind:
        case Column.text:
            return cell
        case Column.mail:
            if not _MAIL.fullmatch(cell):
                raise ValueFault("value_not_mail", "Not a mail address.")
            return cell
        case Column.contact_kind:
            if cell not in CONTACT_KINDS:
                raise ValueFault("value_not_known", f"Write one of {', '.join(CONTACT_KINDS)}.")
            return cell
        case Column.boolean:
            return _boolean(cell, mapping)
        case Column.date:
            return _date(cell, target.date_format)
        case Column.integer:
            return _integer(cell, LARGEST_INTEGER)
        case Column.cents:
            return _integer(cell, LARGEST_CENTS)
        case Column.number:
            return _number(cell)


def _boolean(cell: str, mapping: Mapping) -> bool:
    meant = mapping.spellings.get(cell.casefold())
    if meant is not None:
        return meant
    raise ValueFault(
        "value_not_boolean",
        f"Write one of {', '.join((*mapping.true_values, *mapping.false_values))}.",
    )


@lru_cache(maxsize=5_000)  # a file repeats its dates, and parsing one is slow
def _date(cell: str, date_format: str) -> str:
    try:
        return datetime.strptime(cell, date_format).date().isoformat()  # noqa: DTZ007
    except ValueError as error:
        raise ValueFault(
            "value_not_date", f"Not a date of the form {date_format} that the mapping states."
        ) from error


def _integer(cell: str, largest: int) -> int:
    try:
        number = int(cell) if len(cell) <= 20 else largest + 1
    except ValueError as error:
        raise ValueFault("value_not_number", "Not a whole number; use digits alone.") from error
    if abs(number) > largest:
        raise ValueFault("value_too_large", f"More than {largest}.")
    return number


def _number(cell: str) -> float:
    try:
        number = float(cell)
    except ValueError as error:
        raise ValueFault("value_not_number", "Not a number; use a point, no thousands.") from error
    if not math.isfinite(number):
        raise ValueFault("value_not_number", "Not a finite number.")
    return number
