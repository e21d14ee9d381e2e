"""Clocks that differ, and days with 23 and 25 hours: nothing early, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from db.engine import Database
from db.models.calendars import Calendar
from db.models.escalations import Escalation
from db.models.transitions import Transition
from db.requests import Clock, StartRequest
from db.starting import start_execution
from db.transitions import settle_due
from domain.playbook.definition import (
    Anchor,
    Definition,
    Duration,
    Exit,
    Ladder,
    LadderLevel,
    OutcomeKind,
    Phase,
    Recipient,
    RecipientKind,
    Role,
    Step,
    StepKind,
    Subject,
    TimeSpec,
    Unit,
)
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.ids import new_id
from tests.postgres import FreshDatabase
from tests.scenarios import World, one_call, world
from tests.smtp import Mailbox, mailbox
from worker import WorkerSettings, run_worker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

BERLIN = ZoneInfo("Europe/Berlin")


class TurnedClock:
    """The clock port: the database's instant, turned by as much as a test wants."""

    def __init__(self, by: timedelta) -> None:
        self.by = by
        self.asked = 0

    def __call__(self, at: datetime) -> datetime:
        self.asked += 1
        return at + self.by


@asynccontextmanager
async def worker_with(
    fresh: FreshDatabase, client: Client, box: Mailbox, clock: Clock
) -> AsyncIterator[None]:
    """A worker whose clock of the record is turned."""
    database = Database(fresh.app_url)
    stop, ready = asyncio.Event(), asyncio.Event()
    given = WorkerSettings(mail=box.settings, address="http://127.0.0.1", clock=clock)

    async def connect() -> Client:
        return client

    running = asyncio.create_task(run_worker(database, connect, given, stop=stop, ready=ready.set))
    try:
        await asyncio.wait_for(ready.wait(), 30)
        yield
    finally:
        stop.set()
        await running
        await database.close()


@pytest.mark.faults
@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_is_two_hours_off_settles_nothing_until_it_is_set(
    hours: int, db: Database, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """Neither early nor twice: settling waits, and fires once when the clock is right."""
    scene = await world(db, one_call())
    clock = TurnedClock(timedelta(hours=hours))
    with EmbeddedTemporal(tmp_path / "temporal") as temporal, mailbox() as box:
        client = await Client.connect(
            temporal.address, namespace=temporal.namespace, data_converter=pydantic_data_converter
        )
        async with worker_with(fresh_database, client, box, clock):
            await scene.start(since=timedelta(seconds=55))
            await until(lambda: clock.asked > 3)
            await asyncio.sleep(8)
            assert await fired(scene) == []
            assert box.mails == []
            clock.by = timedelta()
            await until(lambda: box.mails)
            await asyncio.sleep(2)
        assert len(await fired(scene)) == 1
        assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("begun", "levels"),
    [
        # Spring: Sunday 2026-03-29 has 23 hours. Due Friday 17:00, then Monday and Tuesday 11:00.
        (
            datetime(2026, 3, 27, 15, 0, tzinfo=BERLIN),
            [
                datetime(2026, 3, 27, 17, 0, tzinfo=BERLIN),
                datetime(2026, 3, 30, 11, 0, tzinfo=BERLIN),
                datetime(2026, 3, 31, 11, 0, tzinfo=BERLIN),
            ],
        ),
        # Autumn: Sunday 2026-10-25 has 25 hours.
        (
            datetime(2026, 10, 23, 15, 0, tzinfo=BERLIN),
            [
                datetime(2026, 10, 23, 17, 0, tzinfo=BERLIN),
                datetime(2026, 10, 26, 11, 0, tzinfo=BERLIN),
                datetime(2026, 10, 27, 11, 0, tzinfo=BERLIN),
            ],
        ),
    ],
)
async def test_business_time_over_a_change_of_clocks_is_settled_once_and_never_early(
    begun: datetime, levels: list[datetime], db: Database
) -> None:
    """Asked every ten minutes over the change, by a clock that also goes back now and then."""
    scene = await world(db, business_call())
    async with db.transaction(scene.org) as session:
        hours = [{"weekday": day, "opens": 540, "closes": 1020} for day in range(5)]
        session.add(
            Calendar(
                org_id=scene.org.org,
                key="berlin",
                timezone="Europe/Berlin",
                hours=hours,
                is_default=True,
            )
        )
    request = StartRequest(
        new_id(), "business-call", Subject.account, scene.account, scene.account, None
    )
    async with db.transaction(scene.csm.scope) as session:
        await start_execution(session, request, scene.csm.actor, clock=lambda _: begun)
    due = [level.astimezone(UTC) for level in levels]
    farthest = latest = begun.astimezone(UTC)
    ticks = 0
    while farthest < due[-1] + timedelta(hours=1):
        ticks += 1
        farthest += timedelta(minutes=10)
        instant = farthest - timedelta(hours=2) if ticks % 7 == 0 else farthest
        latest = max(latest, instant)
        async with db.transaction(scene.org) as session:
            await settle_due(session, request.id, 0, clock=at(instant))
        assert await fired(scene) == [one for one in due if one <= latest]
    assert await fired(scene) == due


def at(instant: datetime) -> Callable[[datetime], datetime]:
    return lambda _: instant


def business_call() -> Definition:
    """Due after two business hours; its ladder goes on after one and two business days."""
    tell = (Recipient(RecipientKind.role, Role.director),)
    ladder = Ladder(
        "office",
        (
            LadderLevel(Duration(0, Unit.minute), tell),
            LadderLevel(Duration(2, Unit.business_hour), tell),
            LadderLevel(Duration(10, Unit.business_hour), tell),
        ),
        Duration(1, Unit.business_day),
    )
    call = Step(
        "call",
        "Call the customer",
        StepKind.task,
        Role.csm,
        due=TimeSpec(Duration(2, Unit.business_hour), Anchor.opening),
    )
    return Definition(
        "business-call",
        "Business call",
        Subject.account,
        Role.csm,
        "Call.",
        (Phase("only", "Only", (call,)),),
        (Exit(OutcomeKind.success, "called", None, ("call",)),),
        (ladder,),
        "office",
    )


async def fired(scene: World) -> list[datetime]:
    """The instants at which levels were due that have fired, in order."""
    async with scene.db.reading(scene.org) as session:
        found = await session.scalars(select(Escalation).order_by(Escalation.due_at))
        escalations = [(one.due_at, one.recorded_at) for one in found]
        transitions = await session.scalars(select(Transition.event_id))
        assert len(set(transitions)) > 0
    return [due for due, _ in escalations]


async def until(check: Callable[[], object], patience: float = 60) -> None:
    async with asyncio.timeout(patience):
        while not check():  # noqa: ASYNC110 - another task does it
            await asyncio.sleep(0.05)
