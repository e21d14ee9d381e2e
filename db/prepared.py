"""Statements of constant text, compiled once and sent by the driver itself.

SQLAlchemy's asynchronous layer takes three to five times what the driver takes for a statement, so
what every request and every transition asks goes this way (docs/adr/0010); all else goes through
the ORM's session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import JSON, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Prepared:
    """One statement of Core as the server takes it, so that the driver need not read its text.

    Raises ValueError where the text depends on the values, as a list behind IN does.
    """

    def __init__(self, statement: Executable) -> None:
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise ValueError("The text of a prepared statement cannot depend on its values.")
        self.text = str(compiled).encode()
        self._places: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._json = frozenset(
            name for name, bound in compiled.binds.items() if isinstance(bound.type, JSON)
        )
        self._fixed: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order, JSON as text; bytes are taken for JSON written before.

        Raises KeyError where one is not given.
        """
        if self._fixed:
            values = {**self._fixed, **values}
        return [
            _as_json(values[name]) if name in self._json else values[name] for name in self._places
        ]


def _as_json(value: Any) -> str | None:
    if value is None:
        return None
    return (value if isinstance(value, bytes) else orjson.dumps(value)).decode()
