"""Transactions carry their scope, read sessions cannot write, a dead database says so."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Uuid, func, select, text
from sqlalchemy.exc import DBAPIError

from db.engine import Database, ScopeMissing
from db.models.accounts import Account
from domain.errors import Unavailable
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.ids import new_id
from tests.db.factories import make_organization
from tests.postgres import TEMPLATE, FreshDatabase, create_database, migrate_to_newest

pytestmark = pytest.mark.anyio

CURRENT_ORG = select(func.app.current_org(type_=Uuid()))


async def test_what_was_written_is_read_in_the_next_transaction(db: Database) -> None:
    scope = await make_organization(db)
    account = new_id()
    async with db.transaction(scope) as session:
        session.add(Account(org_id=scope.org, id=account, name="Northwind"))
    async with db.reading(scope) as session:
        found = await session.get(Account, account)
        assert found is not None
        assert (found.name, found.stage, found.version) == ("Northwind", "customer", 1)


async def test_a_block_that_fails_leaves_nothing(db: Database) -> None:
    scope = await make_organization(db)
    account = new_id()
    with pytest.raises(KeyError):
        async with db.transaction(scope) as session:
            session.add(Account(org_id=scope.org, id=account, name="Northwind"))
            await session.flush()
            raise KeyError
    async with db.reading(scope) as session:
        assert await session.get(Account, account) is None


async def test_a_savepoint_undoes_only_itself(db: Database) -> None:
    scope = await make_organization(db)
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
    scope = await make_organization(db)
    async with db.reading(scope) as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session._session.execute(text("delete from accounts"))


async def test_a_transaction_without_a_scope_does_not_begin(db: Database) -> None:
    with pytest.raises(ScopeMissing):
        async with db.engine.connect() as connection:
            await connection.execute(text("select 1"))


async def test_the_scope_ends_with_its_transaction(db: Database) -> None:
    scope = await make_organization(db)
    async with db.reading(scope) as session:
        assert await session.scalar(CURRENT_ORG) == scope.org
    async with db.unscoped() as connection:
        assert await connection.scalar(text("select app.current_org()")) is None
        assert await connection.scalar(text("select current_setting('app.org', true)")) in (
            "",
            None,
        )


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that a test may kill."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        migrate_to_newest(server)
        yield server


async def test_after_a_kill_of_the_server_the_pool_recovers_by_itself(
    own_server: EmbeddedPostgres,
) -> None:
    db = Database(create_database(own_server, TEMPLATE).app_url)
    scope = await make_organization(db)
    own_server.kill(signal.SIGQUIT)  # an immediate stop, its backends too
    with pytest.raises(Unavailable) as refused:
        async with db.reading(scope):
            pass
    assert refused.value.code == "database_unavailable"
    own_server.restart()
    async with db.reading(scope) as session:
        assert await session.scalar(CURRENT_ORG) == scope.org
    await db.close()


async def test_ended_connections_are_replaced_without_an_error(
    db: Database, postgres_server: EmbeddedPostgres, fresh_database: FreshDatabase
) -> None:
    scope = await make_organization(db)
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
    scope = await make_organization(db)
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


async def test_a_pool_without_a_free_connection_is_unavailable(
    fresh_database: FreshDatabase,
) -> None:
    db = Database(fresh_database.app_url, pool_size=1, pool_timeout=0.1)
    scope = await make_organization(db)
    async with db.reading(scope):
        with pytest.raises(Unavailable) as refused:
            async with db.reading(scope):
                pass
        assert refused.value.code == "database_busy"
    await db.close()


async def test_a_request_that_goes_away_gives_its_connection_back(
    fresh_database: FreshDatabase,
) -> None:
    db = Database(fresh_database.app_url, pool_size=1)
    scope = await make_organization(db)
    account = new_id()
    started = asyncio.Event()

    async def leave() -> None:
        async with db.transaction(scope) as session:
            session.add(Account(org_id=scope.org, id=account, name="Northwind"))
            await session.flush()
            started.set()
            await session.run(text("select pg_sleep(20)"))

    task = asyncio.create_task(leave())
    await started.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.reading(scope) as session:
        assert await session.get(Account, account) is None
    await db.close()
