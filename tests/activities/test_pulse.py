"""The pulse of Temporal's store: a store that shows less than it has shown was set back."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import Client, ScheduleUpdate, ScheduleUpdateInput
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.pulse import IDENTITY, Pulse
from db.engine import Database
from runtime.embedded.temporal import EmbeddedTemporal

pytestmark = pytest.mark.anyio


def with_note(known: ScheduleUpdateInput, note: str) -> ScheduleUpdate:
    known.description.schedule.state.note = note
    return ScheduleUpdate(known.description.schedule)


async def test_only_a_store_that_was_set_back_begins_everything_anew(
    db: Database, tmp_path: Path
) -> None:
    noticed = []

    async def set_back() -> None:
        noticed.append(True)

    with EmbeddedTemporal(tmp_path) as server:
        client = await Client.connect(
            server.address, namespace=server.namespace, data_converter=pydantic_data_converter
        )
        pulse = Pulse(db, client, set_back, task_queue="test")
        another = Pulse(db, client, set_back, task_queue="test")
        for one in (pulse, another, pulse):
            await one.round()
        assert noticed == []
        schedule = client.get_schedule_handle(IDENTITY)
        await schedule.update(lambda known: with_note(known, "1"))
        await pulse.round()
        assert len(noticed) == 1
        await another.round()
        assert len(noticed) == 1
        await schedule.delete()
        await another.round()
        assert len(noticed) == 2
        await pulse.round()
        assert len(noticed) == 2
