"""A small load of people at work: lives that end in time, race their deadline, or miss it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.people import Crew
from tests.faults.playbook import VIGIL

Life = Callable[[Crew, random.Random], Awaitable[None]]


async def prompt(crew: Crew, chance: random.Random) -> None:
    """Both steps in good time."""
    execution = await crew.start(by=chance.choice((crew.carl, crew.cora)))
    for step in ("call", "wrap-up"):
        await asyncio.sleep(chance.uniform(0.1, 4))
        await crew.complete(execution, step, chance.choice((crew.carl, crew.cora, crew.dora)))


async def contended(crew: Crew, chance: random.Random) -> None:
    """Two people complete the same step at once, and then a third time."""
    execution = await crew.start()
    for step in ("call", "wrap-up"):
        await asyncio.sleep(chance.uniform(0.1, 3))
        await asyncio.gather(
            crew.complete(execution, step, crew.carl), crew.complete(execution, step, crew.cora)
        )


async def racing(crew: Crew, chance: random.Random) -> None:
    """Completes within a second of the instant at which it is due."""
    execution = await crew.start()
    await asyncio.sleep(chance.uniform(59, 61))
    await crew.complete(execution, "call")
    await crew.complete(execution, "wrap-up")


async def missing(crew: Crew, chance: random.Random) -> None:
    """Misses the first step, by one level of the ladder or by both, then goes on."""
    execution = await crew.start()
    await asyncio.sleep(chance.choice((75, 125)) + chance.uniform(0, 5))
    await crew.complete(execution, "call", crew.dora)
    await crew.complete(execution, "wrap-up")


async def forgotten(crew: Crew, chance: random.Random) -> None:
    """Nobody ever does it: both levels fire, and it stays open."""
    await crew.start()


async def patient(crew: Crew, chance: random.Random) -> None:
    """Waits for days; on the way it is handed on, paused and resumed."""
    execution = await crew.start(VIGIL)
    await asyncio.sleep(chance.uniform(0.5, 5))
    await crew.reassign(execution, "visit", crew.cora)
    await crew.steer(execution, "pause")
    await asyncio.sleep(chance.uniform(0.5, 5))
    await crew.steer(execution, "resume")
    await crew.complete(execution, "visit")


async def cancelled(crew: Crew, chance: random.Random) -> None:
    """Ends before anything is done."""
    execution = await crew.start()
    await asyncio.sleep(chance.uniform(0.5, 30))
    await crew.steer(execution, "cancel")


LIVES: dict[Life, int] = {
    prompt: 6,
    contended: 3,
    racing: 4,
    missing: 3,
    forgotten: 2,
    patient: 2,
    cancelled: 1,
}


@dataclass(slots=True)
class Load:
    """Begins a new life every `every` seconds until it is told to end."""

    crew: Crew
    chance: random.Random
    every: float = 0.6
    lives: dict[Life, int] = field(default_factory=lambda: dict(LIVES))
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Begin lives until `end`."""
        kinds, weights = list(self.lives), list(self.lives.values())
        while not self._ended.is_set():
            life = self.chance.choices(kinds, weights)[0]
            own = random.Random(self.chance.random())
            self._tasks.append(asyncio.ensure_future(life(self.crew, own)))
            await asyncio.sleep(self.chance.uniform(0, 2 * self.every))

    async def end(self, patience: float = 300) -> None:
        """Begin no more, and let those under way come to their end."""
        self._ended.set()
        async with asyncio.timeout(patience):
            await asyncio.gather(*self._tasks)
