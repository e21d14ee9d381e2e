"""Record histories of every kind on real servers: `python -m tests.replay.record`.

Only when a workflow has been changed on purpose, and then under a new `LIFE_SCHEMA`, or when it
begins in a new way: histories that were recorded stay, because workflows that began so may still
be asleep somewhere.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import make_url, update
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from db import migrate, roles
from db.engine import Database
from db.models.deliveries import Delivery
from db.queries import deliveries
from domain.playbook.events import Cancelled, Paused, Reassigned, Resumed, Snoozed, StepCompleted
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.temporal import EmbeddedTemporal
from tests.scenarios import World, one_call, one_event, world
from tests.smtp import Mailbox, mailbox
from tests.temporal import begun
from worker import WorkerSettings, run_worker
from workflows.digest import DigestWorkflow
from workflows.ids import TASK_QUEUE, delivery_workflow_id, workflow_id
from workflows.messages import LIFE_SCHEMA, DigestRequest

PASSWORD = "app-for-recording"


@dataclass(slots=True)
class Studio:
    """Everything a recording needs, running."""

    scene: World
    client: Client
    box: Mailbox

    def life(self, execution: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(self.scene.org.org, execution))


async def happy(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Done in time."""
    started = await studio.scene.start()
    await told(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def escalated(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Missed, escalated, done late."""
    started = await studio.scene.start(since=timedelta(seconds=57))
    await arrived(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def reassigned(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Given to somebody else on the way, and back."""
    started = await studio.scene.start()
    for to in (studio.scene.director, studio.scene.csm):
        await told(studio)
        await studio.scene.apply(started.execution, Reassigned("call", str(to.id)))
    await told(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def paused(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Paused over its deadline, resumed, missed after all."""
    started = await studio.scene.start(since=timedelta(seconds=57))
    await studio.scene.apply(started.execution, Paused())
    await asyncio.sleep(4)
    await studio.scene.apply(started.execution, Resumed())
    await arrived(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def cancelled(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Withdrawn."""
    started = await studio.scene.start()
    await told(studio)
    await studio.scene.apply(started.execution, Cancelled())
    return studio.life(started.execution)


async def continued(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Goes on in a second run, whose history is the one kept."""
    started = await studio.scene.start()
    for number in range(12):
        await told(studio)
        until = datetime.now(UTC) + timedelta(seconds=20 + number)
        await studio.scene.apply(started.execution, Snoozed("call", until))
    await told(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def retried(studio: Studio) -> WorkflowHandle[Any, Any]:
    """A mail that the server would not take at first goes on beside the timer."""
    studio.box.answers += ["451 later", "451 later"]
    started = await studio.scene.start(since=timedelta(seconds=57))
    await arrived(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def knowing(studio: Studio) -> WorkflowHandle[Any, Any]:
    """Begins with what was told, where others before it loaded that; missed, then done late."""
    started = await studio.scene.start(since=timedelta(seconds=57))
    await arrived(studio)
    await studio.scene.apply(started.execution, StepCompleted("call"))
    return studio.life(started.execution)


async def redelivered(studio: Studio) -> WorkflowHandle[Any, Any]:
    """A dead letter that a person put back, in a workflow of its own."""
    started = await studio.scene.start("one-event")
    await begun(studio.life(started.execution))
    await studio.life(started.execution).result()
    delivery = UUID(started.told[0].deliveries[0])
    async with studio.scene.db.transaction(studio.scene.org) as session:
        await deliveries.redeliver(session, delivery)
    handle = studio.client.get_workflow_handle(delivery_workflow_id(studio.scene.org.org, delivery))
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.5)
            async with studio.scene.db.reading(studio.scene.org) as session:
                row = await session.get(Delivery, delivery)
            if row is not None and row.status == "dead":
                return handle


async def digest(studio: Studio) -> WorkflowHandle[Any, Any]:
    """The daily round."""
    async with studio.scene.db.transaction(studio.scene.org) as session:
        await session.run(
            update(Delivery)
            .where(Delivery.org_id == studio.scene.org.org, Delivery.carrier == "digest")
            .values(not_before=None)
        )
    return await studio.client.start_workflow(
        DigestWorkflow.run,
        DigestRequest(str(studio.scene.org.org)),
        id="digest-recorded",
        task_queue=TASK_QUEUE,
    )


KINDS: tuple[Callable[[Studio], Awaitable[WorkflowHandle[Any, Any]]], ...] = (
    happy,
    escalated,
    reassigned,
    paused,
    cancelled,
    continued,
    retried,
    knowing,
    redelivered,
    digest,
)


async def told(studio: Studio) -> None:
    """Long enough for the relay to have told the last transition by itself."""
    await asyncio.sleep(0.6)


async def arrived(studio: Studio) -> None:
    """Wait for the next mail."""
    known = len(studio.box.mails)
    async with asyncio.timeout(60):
        while len(studio.box.mails) == known:  # noqa: ASYNC110 - a server receives it
            await asyncio.sleep(0.1)


async def record(directory: Path, server: EmbeddedPostgres, temporal: EmbeddedTemporal) -> None:
    """Live every kind once and write its history; nothing that was recorded is overwritten."""
    server.ensure_database("recording")
    url = server.url("recording")
    roles.bootstrap(url, PASSWORD)
    migrate.upgrade(url)
    app = make_url(url).set(username=roles.APP, password=PASSWORD)
    client = await Client.connect(
        temporal.address,
        namespace=temporal.namespace,
        data_converter=pydantic_data_converter,
        identity="recorder",
    )
    stop = asyncio.Event()
    database = Database(app.render_as_string(hide_password=False))

    async def connect() -> Client:
        return client

    with mailbox() as box:
        studio = Studio(await world(database, one_call(), one_event()), client, box)
        for kind in KINDS:
            kept = directory / f"{kind.__name__}.json"
            if kept.exists():
                continue
            stop = asyncio.Event()
            given = WorkerSettings(
                box.settings,
                "https://holdfast.example.test",
                relay_grace=timedelta(),
                continue_after=40 if kind is continued else None,
            )
            working = asyncio.create_task(run_worker(database, connect, given, stop=stop))
            try:
                handle = await kind(studio)
                async with asyncio.timeout(60):
                    await handle.result()
                described = await handle.describe()
                first = described.raw_description.workflow_execution_info.first_run_id
                runs = {"": await handle.fetch_history()}
                if first != described.run_id:
                    earlier = client.get_workflow_handle(handle.id, run_id=first)
                    runs["-first-run"] = await earlier.fetch_history()
            finally:
                stop.set()
                await working
            for suffix, history in runs.items():
                text = json.dumps(_plain(json.loads(history.to_json())), separators=(",", ":"))
                directory.joinpath(f"{kind.__name__}{suffix}.json").write_text(text + "\n")
                print(f"{kind.__name__}{suffix}: {len(history.events)} events")
    await database.close()


def _plain(value: Any) -> Any:
    """Without traces of calls, which name paths of the machine that recorded."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key != "stackTrace"}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def main() -> None:
    """Write what is missing into the schema's folder, or into the directory given."""
    default = Path(__file__).parent / f"schema-{LIFE_SCHEMA}"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    directory.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as made,
        EmbeddedPostgres(Path(made) / "postgres", durable=False) as server,
        EmbeddedTemporal(Path(made) / "temporal") as temporal,
    ):
        asyncio.run(record(directory, server, temporal))


if __name__ == "__main__":
    main()
