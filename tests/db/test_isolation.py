"""Two organizations, every table, the real app role: nothing of the other is seen or touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from db.engine import Database
from db.scope import Scope
from runtime.ids import new_id
from tests.db.conftest import BY_NAME, TENANT_NAMES, enter
from tests.db.factories import make_execution, make_member, make_organization

pytestmark = pytest.mark.anyio

INSERT_ONLY = ("answers", "audit_entries", "facts", "playbook_versions", "transitions")
"""What the record never takes back."""

CHANGES = ("update {} set org_id = org_id where org_id = %s", "delete from {} where org_id = %s")


@dataclass(frozen=True, slots=True)
class TwoOrganizations:
    mine: Scope
    theirs: Scope


async def fill(admin: psycopg.Connection[Any], db: Database, scope: Scope) -> None:
    """One row in every table of an organization, made by copying types into required columns."""
    execution = await make_execution(db, scope)
    member = await make_member(db, scope, "csm")
    row = admin.execute(
        "select account_id from executions where org_id = %s and id = %s", (scope.org, execution)
    ).fetchone()
    assert row is not None
    known: dict[str, object] = {
        "org_id": scope.org,
        "execution_id": execution,
        "member_id": member,
        "author_id": member,
        "created_by": member,
        "assignee_id": member,
        "delegate_id": scope.member,
        "account_id": row[0],
        "playbook_key": "at-risk",
        "kind": {"touches": "call", "contacts": "champion"},
        "starts_at": "2026-01-01Z",
        "ends_at": "2026-01-02Z",
        "number": 9,
    }
    for name in ("words", "contacts", *TENANT_NAMES):
        have = admin.execute(
            sql.SQL("select id from {} where org_id = %s").format(sql.Identifier(name))
            if name in ("words", "contacts")
            else sql.SQL("select 1 from {} where org_id = %s").format(sql.Identifier(name)),
            (scope.org,),
        ).fetchone()
        if have is None:
            insert_one(admin, name, known)
        if name == "words":
            words = admin.execute("select id from words where org_id = %s", (scope.org,))
            found = words.fetchone()
            assert found is not None
            known["words_id"] = known["title_id"] = found[0]


def insert_one(connection: psycopg.Connection[Any], name: str, known: dict[str, object]) -> None:
    """A row with a value in every column that needs one."""
    values: dict[str, object] = {}
    for column in BY_NAME[name].columns:
        given = known.get(column.name)
        if isinstance(given, dict):
            given = given.get(name)
        if column.nullable or (column.server_default is not None and column.name != "org_id"):
            continue
        values[column.name] = given if given is not None else a_value(str(column.type))
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(name),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        ),
        list(values.values()),
    )


def a_value(kind: str) -> object:
    match kind.split("(")[0]:
        case "UUID" | "CHAR":
            return new_id()
        case "INTEGER" | "BIGINT":
            return 7
        case "BOOLEAN":
            return False
        case "JSONB":
            return "[]"
        case "DATETIME" | "TIMESTAMP":
            return "2026-01-01Z"
        case "BLOB" | "BYTEA":
            return b"x"
        case _:
            return "text"


@pytest.fixture
async def both(db: Database, admin: psycopg.Connection[Any]) -> TwoOrganizations:
    mine, theirs = await make_organization(db, "Mine"), await make_organization(db, "Theirs")
    for scope in (mine, theirs):
        await fill(admin, db, scope)
    return TwoOrganizations(mine, theirs)


def count_of(connection: psycopg.Connection[Any], name: str, org: UUID) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from {} where org_id = %s").format(sql.Identifier(name)), (org,)
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_rows_are_seen_by_their_own_organization_alone(
    both: TwoOrganizations, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    for name in TENANT_NAMES:
        assert count_of(admin, name, both.theirs.org) >= 1, name
        enter(app, both.mine)
        assert count_of(app, name, both.mine.org) >= 1, name
        assert count_of(app, name, both.theirs.org) == 0, name


async def test_rows_of_another_organization_are_neither_changed_nor_deleted(
    both: TwoOrganizations, app: psycopg.Connection[Any]
) -> None:
    for name in TENANT_NAMES:
        for verb in (
            "update {} set org_id = org_id where org_id = %s",
            "delete from {} where org_id = %s",
        ):
            for scope, mine in ((both.mine, True), (both.theirs, False)):
                enter(app, both.mine)
                try:
                    with app.transaction():
                        changed = app.execute(
                            sql.SQL(verb).format(sql.Identifier(name)), (scope.org,)
                        ).rowcount
                except psycopg.errors.InsufficientPrivilege:
                    continue  # insert-only and read-only tables, shown below
                except psycopg.errors.IntegrityError:
                    changed = 1  # it was reached: other rows hang on it
                assert (changed > 0) is mine, f"{verb} {name}"


async def test_rows_cannot_be_put_into_another_organization(
    both: TwoOrganizations, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    for name in TENANT_NAMES:
        if name == "audit_heads":
            continue  # the app may not insert there at all, shown below
        columns = [c.name for c in BY_NAME[name].columns]
        row = admin.execute(
            sql.SQL("select {} from {} where org_id = %s limit 1").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(name)
            ),
            (both.theirs.org,),
        ).fetchone()
        assert row is not None
        values = [
            Jsonb(value) if str(BY_NAME[name].c[column].type) == "JSONB" else value
            for column, value in zip(columns, row, strict=True)
        ]
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(name),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        enter(app, both.mine)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            app.execute(statement, values)
        enter(app, both.theirs)  # the same row in its own organization gets past the policy
        with pytest.raises(psycopg.errors.UniqueViolation):
            app.execute(statement, values)


async def test_without_a_scope_nothing_is_seen(
    both: TwoOrganizations, app: psycopg.Connection[Any]
) -> None:
    app.rollback()
    for name in (*TENANT_NAMES, "users", "organizations"):
        row = app.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier(name))
        ).fetchone()
        assert row == (0,), name


async def test_a_member_of_one_organization_cannot_enter_another(
    both: TwoOrganizations, app: psycopg.Connection[Any]
) -> None:
    enter(app, Scope(both.theirs.org, both.mine.member))
    for name in TENANT_NAMES:
        assert count_of(app, name, both.theirs.org) == 0, name


async def test_people_are_seen_by_who_shares_an_organization_with_them(
    both: TwoOrganizations, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    enter(app, both.mine)
    assert app.execute("select count(*) from users").fetchone() == (1,)
    assert app.execute("select count(*) from organizations").fetchone() == (1,)
    assert admin.execute("select count(*) from users").fetchone() == (2,)


@pytest.mark.parametrize("name", INSERT_ONLY)
async def test_what_is_insert_only_is_neither_changed_nor_removed(
    name: str, both: TwoOrganizations, app: psycopg.Connection[Any]
) -> None:
    for statement in ("update {} set org_id = org_id", "delete from {}", "truncate {}"):
        enter(app, both.mine)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            app.execute(sql.SQL(statement).format(sql.Identifier(name)))


async def test_heads_of_chains_are_the_definer_functions_alone(
    both: TwoOrganizations, app: psycopg.Connection[Any]
) -> None:
    for statement in (
        "insert into audit_heads (org_id, seq, hash) values (gen_random_uuid(), 1, '')",
        "update audit_heads set seq = 1",
        "delete from audit_heads",
    ):
        enter(app, both.mine)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            app.execute(statement)
