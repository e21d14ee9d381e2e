"""Many started in one transaction: each once, whoever else starts at the same time."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func, select

from db.engine import Database
from db.models.executions import Execution
from db.models.steps import Step
from db.models.transitions import Transition
from db.requests import Applied, StartRequest
from db.starting import start_executions
from domain.errors import HoldfastError
from domain.playbook.definition import Role
from tests import factories
from tests.db.test_transitions import World

pytestmark = pytest.mark.anyio

MANY = 30


async def accounts_of(world: World, wanted: int) -> list[UUID]:
    team = {Role.csm: world.csm, Role.director: world.director}
    return [
        await factories.account(
            world.db, world.org, f"Account {number}", team=team, fields={"health.score": 60}
        )
        for number in range(wanted)
    ]


async def start(world: World, requests: list[StartRequest]) -> list[Applied | HoldfastError]:
    async with world.db.transaction(world.csm.scope) as session:
        return await start_executions(session, requests, world.csm.actor)


async def counts(world: World) -> tuple[int, int, int]:
    async with world.db.reading(world.csm.scope) as session:
        found = [
            await session.scalar(select(func.count()).select_from(table))
            for table in (Execution, Transition, Step)
        ]
    return found[0] or 0, found[1] or 0, found[2] or 0


async def test_two_that_start_the_same_many_start_each_once(db: Database) -> None:
    world = await World(db).begin()
    accounts = await accounts_of(world, MANY)
    first = [world.request(subject=one, account=one) for one in accounts]
    second = [world.request(subject=one, account=one) for one in reversed(accounts)]
    answers = await asyncio.gather(start(world, first), start(world, second))
    both = [one for answer in answers for one in answer]
    started = [one for one in both if isinstance(one, Applied)]
    refused = [one for one in both if isinstance(one, HoldfastError)]
    assert len({one.execution for one in started}) == len(started) == MANY
    assert {one.code for one in refused} == {"execution_open"}
    assert len(refused) == MANY
    assert await counts(world) == (MANY, MANY, MANY)


async def test_the_same_many_again_are_the_same(db: Database) -> None:
    world = await World(db).begin()
    requests = [world.request(subject=one, account=one) for one in await accounts_of(world, 3)]
    first, again = await start(world, requests), await start(world, requests)
    assert [one.repeated for one in again if isinstance(one, Applied)] == [True] * 3
    assert [one.execution for one in again if isinstance(one, Applied)] == [
        one.execution for one in first if isinstance(one, Applied)
    ]
    assert await counts(world) == (3, 3, 3)


async def test_the_same_id_with_another_request_is_refused(db: Database) -> None:
    world = await World(db).begin()
    one, other = await accounts_of(world, 2)
    request = world.request(subject=one, account=one)
    await start(world, [request])
    [refused] = await start(world, [world.request(id=request.id, subject=other, account=other)])
    assert isinstance(refused, HoldfastError)
    assert refused.code == "event_id_reused"
    assert await counts(world) == (1, 1, 1)


async def test_one_account_twice_in_one_request_starts_once(db: Database) -> None:
    world = await World(db).begin()
    started, refused = await start(world, [world.request(), world.request()])
    assert isinstance(started, Applied)
    assert isinstance(refused, HoldfastError)
    assert refused.code == "execution_open"
    assert await counts(world) == (1, 1, 1)
