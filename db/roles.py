"""The three roles of a database: an owner, a migrator, and the app that owns nothing.

The owner cannot log in; migrations become it, and definer functions run as it. The app role is
the only one that the API and the worker use: no ownership, SUPERUSER, BYPASSRLS or TRUNCATE.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from db.urls import for_psycopg

OWNER = "holdfast_owner"
MIGRATOR = "holdfast_migrator"
APP = "holdfast_app"

_PLAIN = "nosuperuser nobypassrls nocreatedb nocreaterole noreplication"


def bootstrap(admin_url: str, app_password: str) -> None:
    """Makes the roles where they are missing and gives them their places in this database.

    `admin_url` is a superuser's, or of a role that may create roles and owns the database. Can be
    run again: it sets the app's password to `app_password`.
    """
    with psycopg.connect(for_psycopg(admin_url), autocommit=True) as connection:
        for role in (OWNER, MIGRATOR, APP):
            found = connection.execute("select 1 from pg_roles where rolname = %s", (role,))
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("create role {} nologin " + _PLAIN).format(sql.Identifier(role))
                )
        connection.execute(
            sql.SQL("alter role {} login password {}").format(
                sql.Identifier(APP), sql.Literal(app_password)
            )
        )
        connection.execute(
            sql.SQL("grant {} to {}").format(*map(sql.Identifier, (OWNER, MIGRATOR)))
        )
        _let_admin_become_owner(connection)
        _give_places(connection)


def _let_admin_become_owner(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """A superuser can become anybody; another admin has to be a member."""
    row = connection.execute(
        "select rolsuper from pg_roles where rolname = current_user"
    ).fetchone()
    if row is not None and not row[0]:
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(OWNER)))


def _give_places(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    database = sql.Identifier(connection.info.dbname)
    owner, app = sql.Identifier(OWNER), sql.Identifier(APP)
    for statement in (
        sql.SQL("revoke all on database {} from public").format(database),
        sql.SQL("grant connect, create on database {} to {}").format(database, owner),
        sql.SQL("grant connect, temporary on database {} to {}").format(database, app),
        sql.SQL("revoke all on schema public from public"),
        sql.SQL("grant usage, create on schema public to {}").format(owner),
        sql.SQL("grant usage on schema public to {}").format(app),
    ):
        connection.execute(statement)
