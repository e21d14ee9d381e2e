"""kill -9 of worker, Temporal, PostgreSQL and API, at random moments of one running load."""

from __future__ import annotations

import asyncio
import os
import random
import time

import pytest

from tests.faults.load import Load
from tests.faults.people import Crew
from tests.faults.reconciling import reconcile, settle_down
from tests.faults.results import Table
from tests.faults.stack import PARTS, Stack

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(2400)]

KILLS = int(os.environ.get("FAULTS_KILLS", "56"))
TARGETS = {"worker-1": 3, "worker-2": 3, "postgres": 4, "temporal": 3, "api": 3}


async def test_random_kills_under_load_lose_nothing_and_double_nothing(
    team: Crew, table: Table, chance: random.Random
) -> None:
    stack = team.stack
    load = Load(team, chance)
    running = asyncio.create_task(load.run())
    began = time.time()
    await asyncio.sleep(3)
    while len(stack.kills) < KILLS:
        await one_fault(stack, chance)
        await asyncio.sleep(chance.uniform(0.5, 3))
    lasted = time.time() - began
    await load.end()
    await running
    await settle_down(team)
    found = await reconcile(team)
    print(f"{len(stack.kills)} kills in {lasted:.0f} s; {found}")
    by_part = {part: sum(which == part for _, which in stack.kills) for part in PARTS}
    how = "kill -9 at random: " + ", ".join(f"{part} {count}" for part, count in by_part.items())
    table.add(f"{len(stack.kills)} kills under load", how, len(stack.kills), found)


async def one_fault(stack: Stack, chance: random.Random) -> None:
    """One part, sometimes two, sometimes everything; sometimes a server again as it recovers."""
    kind = chance.random()
    if kind < 0.06:
        parts = list(PARTS)
    elif kind < 0.25:
        parts = chance.sample(PARTS, 2)
    else:
        parts = chance.choices(list(TARGETS), list(TARGETS.values()))
    await stack.kill(*parts)
    await asyncio.sleep(chance.uniform(0, 2.5))
    if parts[0] in ("postgres", "temporal") and chance.random() < 0.25:
        await stack.launch_and_kill(parts[0], chance.uniform(0.02, 0.6))
    servers = [part for part in ("postgres", "temporal") if part in parts]
    await stack.revive(*servers)
    for part in parts:
        if part not in servers:
            await stack.launch(part)  # not waited for: it may be killed as it starts
