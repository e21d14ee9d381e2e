"""The API on a real PostgreSQL, for the tests of its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from db.engine import Database
from tests.api.world import Clock, World, populate, serving
from tests.postgres import FreshDatabase


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def app(
    fresh_database: FreshDatabase, clock: Clock, anyio_backend: str
) -> AsyncIterator[FastAPI]:
    async with serving(fresh_database.app_url, clock) as app:
        yield app


@pytest.fixture
async def world(app: FastAPI, db: Database, clock: Clock) -> AsyncIterator[World]:
    """One organization, and a member of each role."""
    made = await populate(app, db, clock, "Acme")
    yield made
    for client in made.clients:
        await client.aclose()


@pytest.fixture
async def elsewhere(app: FastAPI, db: Database, clock: Clock) -> AsyncIterator[World]:
    """Another organization in the same database."""
    made = await populate(app, db, clock, "Umbrella")
    yield made
    for client in made.clients:
        await client.aclose()
