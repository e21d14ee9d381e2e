"""Migrations make what the models say, can be taken back, and can be run by two at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from db import migrate, roles
from db.engine import Database
from db.models.base import Base
from db.models.registry import TABLES
from db.queries import across
from db.urls import for_psycopg, for_sqlalchemy
from runtime.embedded.postgres import EmbeddedPostgres
from tests.db.factories import make_execution, make_organization
from tests.postgres import APP_PASSWORD, FreshDatabase, drop_database

pytestmark = pytest.mark.anyio


@pytest.fixture
def empty_database(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A database that nothing was done to."""
    name = "untouched"
    postgres_server.ensure_database(name)
    yield postgres_server.url(name)
    drop_database(postgres_server, name)


def tables_in(url: str) -> set[str]:
    with psycopg.connect(for_psycopg(url)) as connection:
        rows = connection.execute(
            "select relname from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind = 'r'"
        )
        return {row[0] for row in rows}


def test_migrations_make_exactly_what_the_models_say(fresh_database: FreshDatabase) -> None:
    assert TABLES
    engine = create_engine(for_sqlalchemy(fresh_database.admin_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == migrate.newest()


async def test_a_database_with_data_goes_down_and_up_again(
    db: Database, fresh_database: FreshDatabase
) -> None:
    await make_execution(db, await make_organization(db))
    await db.close()
    roles.bootstrap(fresh_database.admin_url, APP_PASSWORD)
    migrate.downgrade(fresh_database.admin_url, "base")
    assert tables_in(fresh_database.admin_url) == {"alembic_version"}
    migrate.upgrade(fresh_database.admin_url)
    again = Database(fresh_database.app_url)
    await make_execution(again, await make_organization(again))
    await again.close()


async def test_upgrading_what_is_newest_changes_nothing(
    db: Database, fresh_database: FreshDatabase
) -> None:
    scope = await make_organization(db)
    roles.bootstrap(fresh_database.admin_url, APP_PASSWORD)
    migrate.upgrade(fresh_database.admin_url)
    async with db.unscoped() as connection:
        assert await across.organizations_with(connection, "all") == [scope]


def test_two_migrators_at_once_wait_for_each_other(empty_database: str) -> None:
    roles.bootstrap(empty_database, APP_PASSWORD)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as both:
        list(both.map(migrate.upgrade, [empty_database] * 2))
    assert len(tables_in(empty_database)) == len(TABLES) + 1


def test_an_admin_who_is_no_superuser_can_set_a_database_up(
    postgres_server: EmbeddedPostgres, empty_database: str
) -> None:
    """As on a hosted PostgreSQL: a role that may create roles and owns the database."""
    with psycopg.connect(for_psycopg(empty_database), autocommit=True) as admin:
        admin.execute("create role hosted login createrole")
        for role in (roles.OWNER, roles.MIGRATOR, roles.APP):
            admin.execute(f"grant {role} to hosted with admin option".encode())
        admin.execute("alter database untouched owner to hosted")
        admin.execute("alter schema public owner to hosted")
    url = postgres_server.url("untouched", user="hosted")
    roles.bootstrap(url, APP_PASSWORD)
    migrate.upgrade(url)
    assert len(tables_in(empty_database)) == len(TABLES) + 1
    with psycopg.connect(for_psycopg(empty_database), autocommit=True) as admin:
        admin.execute("alter database untouched owner to postgres")
        admin.execute("reassign owned by hosted to postgres")
        admin.execute("drop owned by hosted")
        admin.execute("drop role hosted")
