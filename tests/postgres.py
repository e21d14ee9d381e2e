"""A real PostgreSQL for tests: one server per session, a fresh migrated database per test.

Under xdist every worker has a server of its own. A database is copied from a migrated template,
which takes some tens of milliseconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from db import migrate, roles
from db.engine import Database
from runtime.embedded.postgres import EmbeddedPostgres

APP_PASSWORD = "app-for-tests"
TEMPLATE = "holdfast_template"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """Addresses of one migrated, empty database: the superuser's, and the real app role's."""

    name: str
    admin_url: str
    app_url: str


def create_database(server: EmbeddedPostgres, template: str) -> FreshDatabase:
    """A database of its own, copied from `template`."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        # what was acknowledged survives a kill, also on a server that is otherwise made for speed
        connection.execute(
            sql.SQL("alter database {} set synchronous_commit = on").format(sql.Identifier(name))
        )
    admin_url = server.url(name)
    app_url = make_url(admin_url).set(username=roles.APP, password=APP_PASSWORD)
    return FreshDatabase(name, admin_url, app_url.render_as_string(hide_password=False))


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    """Takes it away, whoever is still connected."""
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def migrate_to_newest(server: EmbeddedPostgres) -> None:
    """Makes the template on a server: roles and schema."""
    server.ensure_database(TEMPLATE)
    url = server.url(TEMPLATE)
    roles.bootstrap(url, APP_PASSWORD)
    migrate.upgrade(url)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The session's server. It forgets a power cut's worth of safety for speed.

    Its directory is its own, because pytest's are pruned while other sessions run.
    """
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-postgres-") as directory,
        EmbeddedPostgres(Path(directory), durable=False) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a migrated database that nobody is connected to."""
    migrate_to_newest(postgres_server)
    return TEMPLATE


@pytest.fixture
def fresh_database(
    postgres_server: EmbeddedPostgres, migrated_template: str
) -> Iterator[FreshDatabase]:
    """A migrated, empty database of this test alone."""
    fresh = create_database(postgres_server, migrated_template)
    yield fresh
    drop_database(postgres_server, fresh.name)


@pytest.fixture
async def db(fresh_database: FreshDatabase, anyio_backend: str) -> AsyncIterator[Database]:
    """The fresh database as API and worker see it: through the app role."""
    database = Database(fresh_database.app_url)
    yield database
    await database.close()
