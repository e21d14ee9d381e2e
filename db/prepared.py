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

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Prepared:
    """One statement of Core as the driver takes it; its parameters go by their names.

    Raises ValueError where the text depends on the values, as a list behind IN does.
    """

    def __init__(self, statement: Executable) -> None:
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise ValueError("The text of a prepared statement cannot depend on its values.")
        self.text: str = str(compiled)
        self._json = frozenset(
            name for name, bound in compiled.binds.items() if isinstance(bound.type, JSON)
        )
        self._fixed: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, JSON among them as text; bytes are taken for JSON written before."""
        bound = {**self._fixed, **values}
        for name in self._json:
            value = bound.get(name)
            if value is not None:
                written = value if isinstance(value, bytes) else orjson.dumps(value)
                bound[name] = written.decode()
        return bound
