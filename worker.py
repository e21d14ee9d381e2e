"""Composition root of the worker process: workflows, activities, relay, check, sealer, digests.

It starts and goes on whatever is down: loops and connections try again, a worker that gave up is
made anew. Any number of these processes may run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import uvloop
from sqlalchemy import make_url
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.channels.mail import MailChannel
from activities.channels.webhook import WebhookChannel
from activities.checking import LOST_PAUSE, OVERDUE_PAUSE, OWN_PAUSE, Check
from activities.composing import Composer
from activities.delivering import DeliveringActivities
from activities.digest import DigestingActivities, keep_schedule
from activities.looping import keep_doing
from activities.pulse import PAUSE as PULSE_PAUSE
from activities.pulse import Pulse
from activities.relay import GRACE as RELAY_GRACE
from activities.relay import PAUSE as RELAY_PAUSE
from activities.relay import Relay
from activities.sealing import PAUSE as SEAL_PAUSE
from activities.sealing import Sealer
from activities.settling import SettlingActivities
from db.engine import Database
from db.lives import Lives
from db.queries import across
from db.requests import Clock, database_clock
from runtime import settings
from runtime.logs import set_up_logs
from runtime.readiness import announce_ready
from runtime.settings import MailSettings
from runtime.telemetry import set_up_telemetry
from runtime.temporal_client import connected_client, connection
from workflows.client import Teller
from workflows.ids import TASK_QUEUE
from workflows.registry import WORKFLOWS, workflow_runner

log = logging.getLogger("worker")

SCHEDULES_PAUSE = 600.0
MADE_ANEW_AFTER = 2.0
STARTED_AFTER = 0.5
"""Seconds; a worker that cannot start says so well within it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is composed of. `address` is where people reach Holdfast, for links.

    `cache` workflows are kept in memory, at about 106 KB each. `grace` seconds are given to what
    is under way at the end. `allow_loopback` lets webhooks go to this machine, for development.
    `relay_grace`: for so long the relay leaves what people did to the process that committed it.
    """

    mail: MailSettings
    address: str
    task_queue: str = TASK_QUEUE
    cache: int = 3_000
    grace: timedelta = timedelta(seconds=8)
    allow_loopback: bool = False
    relay_grace: timedelta = RELAY_GRACE
    lost_pause: float = LOST_PAUSE
    pulse_pause: float = PULSE_PAUSE
    continue_after: int | None = None
    clock: Clock = field(default=database_clock)


async def run_worker(
    database: Database,
    connect: Callable[[], Awaitable[Client]],
    given: WorkerSettings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Work until `stop`. `connect` gives a connected client, or waits until it can.

    `ready` is called once, when work can be taken.
    """
    client = await _unless(stop, connect())
    if client is None:
        return
    lives = Lives(database)
    teller = Teller(
        client,
        stored=lives.stored,
        task_queue=given.task_queue,
        continue_after=given.continue_after,
    )
    relay = Relay(database, teller, grace=given.relay_grace)
    sealer = Sealer(database)
    check = Check(database, client, teller, task_queue=given.task_queue)
    pulse = Pulse(database, client, check.begin_anew, task_queue=given.task_queue)
    async with asyncio.TaskGroup() as group:
        for name, work, pause in (
            ("relay", relay.round, RELAY_PAUSE),
            ("sealer", sealer.round, SEAL_PAUSE),
            ("check of deadlines", check.overdue, OVERDUE_PAUSE),
            ("check of lost workflows", check.lost, given.lost_pause),
            ("pulse of Temporal's store", pulse.round, given.pulse_pause),
            ("check of deliveries", check.own, OWN_PAUSE),
            ("digest schedules", _schedules(client, database, given.task_queue), SCHEDULES_PAUSE),
        ):
            group.create_task(keep_doing(name, work, pause=pause, stop=stop))
        group.create_task(_carry_out(client, database, lives, given, stop, ready))
    await teller.close()


async def _carry_out(
    client: Client,
    database: Database,
    lives: Lives,
    given: WorkerSettings,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Poll for workflows and activities; made anew where the SDK's worker gives up."""
    while not stop.is_set():
        worker = _worker(client, database, lives, given)
        running = asyncio.create_task(worker.run())
        await asyncio.wait({running}, timeout=STARTED_AFTER)
        if not running.done():
            ready()
            await _unless(stop, asyncio.shield(running), quietly=True)
        if running.done():
            error = running.exception()
            log.error("the worker gave up and is made anew: %s", type(error).__name__)
            await asyncio.sleep(MADE_ANEW_AFTER)
            continue
        await worker.shutdown()
        await running


async def _unless(stop: asyncio.Event, work: Awaitable[T], *, quietly: bool = False) -> T | None:
    """What `work` gives; None where `stop` comes first, or where it fails and `quietly` is set."""
    doing = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not doing.done():
        doing.cancel()
        return None
    if quietly and doing.exception() is not None:
        return None
    return doing.result()


def _worker(client: Client, database: Database, lives: Lives, given: WorkerSettings) -> Worker:
    composer = Composer(
        database,
        MailChannel(given.mail),
        WebhookChannel(allow_loopback=given.allow_loopback),
        address=given.address,
        clock=given.clock,
    )
    delivering = DeliveringActivities(database, lives, composer, clock=given.clock)
    settling = SettlingActivities(database, lives, delivering, clock=given.clock)
    digesting = DigestingActivities(database, lives)
    return Worker(
        client,
        task_queue=given.task_queue,
        workflows=list(WORKFLOWS),
        activities=[settling.settle, delivering.deliver, digesting.make_digests],
        workflow_runner=workflow_runner(),
        max_cached_workflows=given.cache,
        max_concurrent_workflow_tasks=100,
        max_concurrent_activities=50,
        max_concurrent_local_activities=20,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        # A killed worker's workflows stay silent for this long; 10 s by default.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        graceful_shutdown_timeout=given.grace,
    )


def _schedules(client: Client, database: Database, queue: str) -> Callable[[], Awaitable[bool]]:
    async def keep() -> bool:
        async with database.unscoped() as unscoped:
            scopes = await across.organizations_with(unscoped, "all")
        for scope in scopes:
            await keep_schedule(client, database, scope, queue)
        return False

    return keep


async def main(environment: Mapping[str, str]) -> None:
    """Run a worker by the environment until SIGTERM or SIGINT."""
    run = settings.read_run(environment)
    database_settings = settings.read_database(environment)
    password = make_url(database_settings.url).password
    set_up_logs(run.log_format, run.log_level, secrets=[str(password)] if password else [])
    telemetry = set_up_telemetry("worker", environment)
    database = Database(database_settings.url, pool_size=15, application="holdfast-worker")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    given = WorkerSettings(
        mail=settings.read_mail(environment),
        address=settings.read_http(environment).address,
        task_queue=environment.get("TEMPORAL_TASK_QUEUE") or TASK_QUEUE,
        allow_loopback=settings.read_webhooks(environment).allow_loopback,
    )
    try:
        await run_worker(
            database,
            lambda: connected_client(connection(environment)),
            given,
            stop=stop,
            ready=lambda: announce_ready(environment),
        )
    finally:
        await database.close()
        telemetry.shut_down()


if __name__ == "__main__":
    uvloop.run(main(dict(os.environ)))
