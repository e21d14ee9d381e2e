"""Transactions carry their scope, read sessions cannot write, a dead database says so."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import Uuid, func, select, text
from sqlalchemy.exc import DBAPIError

from db.engine import Database, ScopeMissing
from db.models.accounts import Account
from db.scope import Scope
from domain.errors import Unavailable
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.ids import new_id
from tests.postgres import FreshDatabase

pytestmark = pytest.mark.anyio

CURRENT_ORG = select(func.app.current_org(type_=Uuid()))


async def make_scope(db: Database, name: str = "Acme") -> Scope:
    scope = Scope(new_id(), new_id())
    async with db.unscoped() as connection:
        await connection.execute(
            text("select app.create_organization(:o, :n, 'UTC', null, false, :m)"),
            {"o": scope.org, "n": name, "m": scope.member},
        )
    return scope


async def test_what_was_written_is_read_in_the_next_transaction(db: Database) -> None:
    scope = await make_scope(db)
    account = new_id()
    async with db.transaction(scope) as session:
        session.add(Account(org_id=scope.org, id=account, name="Northwind"))
    async with db.reading(scope) as session:
        found = await session.get(Account, account)
        assert found is not None
        assert (found.name, found.stage, found.version) == ("Northwind", "customer", 1)


async def test_a_block_that_fails_leaves_nothing(db: Database) -> None:
    scope = await make_scope(db)
    account = new_id()
    with pytest.raises(KeyError):
        async with db.transaction(scope) as session:
            session.add(Account(org_id=scope.org, id=account, name="Northwind"))
            await session.flush()
            raise KeyError
    async with db.reading(scope) as session:
        assert await session.get(Account, account) is None


async def test_a_savepoint_undoes_only_itself(db: Database) -> None:
    scope = await make_scope(db)
    kept, undone = new_id(), new_id()
    async with db.transaction(scope) as session:
        session.add(Account(org_id=scope.org, id=kept, name="Kept"))
        with pytest.raises(KeyError):
            async with session.savepoint():
                session.add(Account(org_id=scope.org, id=undone, name="Undone"))
                await session.flush()
                raise KeyError
    async with db.reading(scope) as session:
        assert await session.get(Account, kept) is not None
        assert await session.get(Account, undone) is None


async def test_a_reading_transaction_refuses_to_write(db: Database) -> None:
    scope = await make_scope(db)
    async with db.reading(scope) as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session._session.execute(text("delete from accounts"))


async def test_a_transaction_without_a_scope_does_not_begin(db: Database) -> None:
    with pytest.raises(ScopeMissing):
        async with db.engine.connect() as connection:
            await connection.execute(text("select 1"))


async def test_the_scope_ends_with_its_transaction(db: Database) -> None:
    scope = await make_scope(db)
    async with db.reading(scope) as session:
        assert await session.scalar(CURRENT_ORG) == scope.org
    async with db.unscoped() as connection:
        assert await connection.scalar(text("select app.current_org()")) is None
        assert await connection.scalar(text("select current_setting('app.org', true)")) in (
            "",
            None,
        )


async def test_after_a_restart_of_the_server_the_pool_recovers_by_itself(
    db: Database, postgres_server: EmbeddedPostgres, fresh_database: FreshDatabase
) -> None:
    scope = await make_scope(db)
    postgres_server.kill()
    with pytest.raises(Unavailable) as refused:
        async with db.reading(scope):
            pass
    assert refused.value.code == "database_unavailable"
    postgres_server.restart()
    async with db.reading(scope) as session:
        assert await session.scalar(CURRENT_ORG) == scope.org


async def test_ended_connections_are_replaced_without_an_error(
    db: Database, postgres_server: EmbeddedPostgres, fresh_database: FreshDatabase
) -> None:
    scope = await make_scope(db)
    url = postgres_server.url(scheme="postgresql")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
            (fresh_database.name,),
        )
    async with db.reading(scope) as session:
        assert await session.scalar(CURRENT_ORG) == scope.org


async def test_a_lock_that_is_not_given_in_time_is_unavailable(
    fresh_database: FreshDatabase,
) -> None:
    db = Database(fresh_database.app_url, lock_timeout=0.1)
    scope = await make_scope(db)
    account = new_id()
    async with db.transaction(scope) as session:
        session.add(Account(org_id=scope.org, id=account, name="Northwind"))
    lock = text("select id from accounts for update")
    async with db.transaction(scope) as first:
        await first.run(lock)
        with pytest.raises(Unavailable) as refused:
            async with db.transaction(scope) as second:
                await second.run(lock)
        assert refused.value.code == "database_busy"
    await db.close()
