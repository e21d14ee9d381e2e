"""Conditions judged by a real PostgreSQL, many rows and many conditions in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson
import pytest
from sqlalchemy import Connection, Text, bindparam, cast, column, create_engine, func, select
from sqlalchemy.dialects.postgresql import JSONB

from db.conditions import truth_of
from db.urls import for_sqlalchemy
from domain.conditions import truth
from domain.playbook.definition import Condition
from runtime.embedded.postgres import EmbeddedPostgres

Truths = list[bool | None]


@pytest.fixture(scope="module")
def connection(postgres_server: EmbeddedPostgres) -> Iterator[Connection]:
    """A session far from UTC, because no truth may depend on where the server stands."""
    engine = create_engine(
        for_sqlalchemy(postgres_server.url()),
        isolation_level="AUTOCOMMIT",
        connect_args={"options": "-c timezone=America/St_Johns -c datestyle=SQL,DMY"},
    )
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def judged(
    connection: Connection, conditions: Sequence[Condition], rows: bytes, now: datetime
) -> list[tuple[str, Truths]]:
    """Each row as PostgreSQL stores it, and the conditions' truths of it.

    `rows` is a JSON list of objects.
    """
    row = (
        func.jsonb_array_elements(cast(bindparam("rows", type_=Text), JSONB))
        .table_valued(column("value", JSONB), with_ordinality="number")
        .render_derived(name="given")
    )
    answers = connection.execute(
        select(
            cast(row.c.value, Text),
            *(truth_of(each, row.c.value).label(f"c{n}") for n, each in enumerate(conditions)),
        ).order_by(row.c.number),
        {"rows": rows.decode(), "now": now},
    )
    return [(answer[0], list(answer[1:])) for answer in answers]


def assert_agreement(
    connection: Connection, conditions: Sequence[Condition], rows: bytes, now: datetime
) -> list[Truths]:
    """Both give the same truth for every row; those truths."""
    answers = judged(connection, conditions, rows, now)
    for text, by_sql in answers:
        fields = orjson.loads(text)
        for condition, one in zip(conditions, by_sql, strict=True):
            other = truth(condition, fields, {}, now)
            assert one is other, f"SQL {one}, Python {other}: {condition} of {fields} at {now}"
    return [truths for _, truths in answers]
