"""Telling in the background: gathered for each execution, and left to the relay when late."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError, RPCStatusCode

from tests.temporal import QUEUE, SkippingTemporal, begun, working
from tests.workflows.record import Record, until
from workflows.client import Teller, TellingLimits
from workflows.execution import ExecutionWorkflow
from workflows.ids import workflow_id

pytestmark = pytest.mark.anyio


async def test_a_burst_on_one_execution_costs_few_signals(temporal: SkippingTemporal) -> None:
    record = Record()
    identity = workflow_id(record.org, record.execution)
    found = temporal.client.get_workflow_handle_for(ExecutionWorkflow.run, identity)
    async with working(temporal.client, [record.settle, record.deliver]):
        tell = Teller(temporal.client, stored=record.stored, task_queue=QUEUE)
        tell.tell_soon(record.org, record.execution, [record.change("started")])
        await begun(found)
        for _ in range(20):
            tell.tell_soon(record.org, record.execution, [record.change("step_completed")])
        tell.tell_soon(record.org, record.execution, [record.change("ended", ended=True)])
        await tell.close()
        assert (await found.result()).number == 21
    history = await found.fetch_history()
    signals = [
        event
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert 1 <= len(signals) <= 2


async def test_in_a_crowd_requests_come_first(temporal: SkippingTemporal) -> None:
    record = Record()
    identity = workflow_id(record.org, record.execution)
    found = temporal.client.get_workflow_handle_for(ExecutionWorkflow.run, identity)
    limits = TellingLimits(crowd=0, gather_crowd=0.5)
    async with working(temporal.client, [record.settle, record.deliver]):
        tell = Teller(temporal.client, stored=record.stored, task_queue=QUEUE, limits=limits)
        tell.tell_soon(record.org, record.execution, [record.change("started")])
        await asyncio.sleep(0.1)
        with pytest.raises(RPCError):
            await found.describe()
        tell.tell_soon(record.org, record.execution, [record.change("ended", ended=True)])
        await until(lambda: record.settled)
        assert (await found.result()).number == 1
        await tell.close()


async def test_what_waited_too_long_is_left_to_the_relay(temporal: SkippingTemporal) -> None:
    record = Record()
    tell = Teller(
        temporal.client, stored=record.stored, task_queue=QUEUE, limits=TellingLimits(stale=0)
    )
    tell.tell_soon(record.org, record.execution, [record.change("started")])
    await tell.close()
    identity = workflow_id(record.org, record.execution)
    with pytest.raises(RPCError) as refused:
        await temporal.client.get_workflow_handle(identity).describe()
    assert refused.value.status is RPCStatusCode.NOT_FOUND
