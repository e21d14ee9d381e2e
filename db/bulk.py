"""Many rows in one statement of constant text: the rows travel as one JSON parameter.

So a statement is prepared once per connection whatever the count of rows, and several of them
fit into one message (see `db/queries/record.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import FromClause, Table, Uuid, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

from db.models.base import Base

Row = Mapping[str, Any]


def table_of(model: type[Base]) -> Table:
    """The table itself, for statements that want no entities."""
    return cast(Table, model.__table__)


def recordset(
    model: type[Base], columns: Sequence[str], parameter: str, *, of: bool = False
) -> FromClause:
    """The rows of a JSON parameter as a relation with the types of the model's columns; with the
    id under the key "of", where that is asked for."""
    table = table_of(model)
    typed = [column(name, table.c[name].type) for name in columns]
    return (
        func.jsonb_to_recordset(bindparam(parameter, type_=JSONB))
        .table_valued(*typed, *([column("of", Uuid())] if of else []))
        .render_derived(name=f"{parameter}_rows", with_types=True)
    )


def insertion(
    model: type[Base],
    columns: Sequence[str],
    parameter: str = "rows",
    after: FromClause | None = None,
) -> Insert:
    """Inserts the rows of a JSON parameter for the organization `org`.

    Other columns get their defaults; keys of a row that are not among `columns` are ignored.
    Where `after` is given, only rows are inserted whose key "of" is among its ids.
    """
    rows = recordset(model, columns, parameter, of=after is not None)
    source = select(bindparam("org", type_=Uuid()), *(rows.c[name] for name in columns))
    if after is not None:
        source = source.join_from(rows, after, rows.c.of == after.c.id)
    return insert(table_of(model)).from_select(["org_id", *columns], source)


def upsertion(
    model: type[Base],
    key: Sequence[str],
    columns: Sequence[str],
    parameter: str = "rows",
    after: FromClause | None = None,
) -> Insert:
    """The same, rewriting rows that are there already; `key` is the key without `org_id`."""
    made = insertion(model, [*key, *columns], parameter, after)
    return made.on_conflict_do_update(
        index_elements=["org_id", *key], set_={name: made.excluded[name] for name in columns}
    )


def encoded(rows: Sequence[Row] | Sequence[Any]) -> bytes:
    """Rows as the JSON parameter: mappings or dataclasses; bytes in them are JSON already."""
    return orjson.dumps(list(rows), default=_as_json)


def _as_json(value: object) -> object:
    if isinstance(value, bytes):
        return orjson.Fragment(value)
    raise TypeError(f"{type(value).__name__} does not go into a row")
