"""Connections to the fresh database for tests that look at it without our own queries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Table

from db.bulk import table_of
from db.models.registry import TABLES
from db.scope import Scope
from db.urls import for_psycopg
from tests.postgres import FreshDatabase

BY_NAME: dict[str, Table] = {table_of(model).name: table_of(model) for model in TABLES}
WITHOUT_ORGANIZATION = {"users", "engine_revisions", "organizations", "temporal_stores"}
TENANT_NAMES = sorted(set(BY_NAME) - WITHOUT_ORGANIZATION)


@pytest.fixture
def admin(fresh_database: FreshDatabase) -> Iterator[psycopg.Connection[Any]]:
    """The superuser, who sees everything."""
    with psycopg.connect(for_psycopg(fresh_database.admin_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(fresh_database: FreshDatabase) -> Iterator[psycopg.Connection[Any]]:
    """The real app role, outside any scope until it enters one."""
    with psycopg.connect(for_psycopg(fresh_database.app_url)) as connection:
        yield connection


def enter(connection: psycopg.Connection[Any], scope: Scope) -> None:
    """Begins a transaction of the app role in a scope, whatever went before."""
    connection.rollback()
    connection.execute(
        "select set_config('app.org', %s, true), set_config('app.member', %s, true)",
        (str(scope.org), str(scope.member)),
    )
