from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from domain.playbook.telling import Told
from tests.temporal import QUEUE, SkippingTemporal, working
from tests.workflows.record import Record, soon, until
from workflows.client import Teller
from workflows.execution import ExecutionWorkflow
from workflows.ids import workflow_id
from workflows.messages import ExecutionClosed, News

pytestmark = pytest.mark.anyio


def teller(temporal: SkippingTemporal, record: Record, **options: Any) -> Teller:
    return Teller(temporal.client, stored=record.stored, task_queue=QUEUE, **options)


def handle(
    temporal: SkippingTemporal, record: Record
) -> WorkflowHandle[ExecutionWorkflow, ExecutionClosed]:
    return temporal.client.get_workflow_handle_for(
        ExecutionWorkflow.run, workflow_id(record.org, record.execution)
    )


async def events(found: WorkflowHandle[Any, Any]) -> Counter[str]:
    history = await found.fetch_history()
    return Counter(
        EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events
    )


async def details(found: WorkflowHandle[Any, Any]) -> str:
    """What Temporal's own screens say of the workflow."""
    said: WorkflowMetadata = await found.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return said.current_details


async def started_timers(found: WorkflowHandle[Any, Any], count: int) -> None:
    """Wait until the history has so many timers."""
    async with asyncio.timeout(15):
        while (await events(found))["TIMER_STARTED"] < count:  # noqa: ASYNC110 - a server does
            await asyncio.sleep(0.05)


async def continued(found: WorkflowHandle[Any, Any]) -> bool:
    """Whether a later run than the first one lives now."""
    described = (await found.describe()).raw_description.workflow_execution_info
    return bool(described.first_run_id != described.execution.run_id)


class TestTold:
    async def test_it_lives_from_start_to_outcome(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            first = record.change("started", deadlines=[soon(3600)], deliveries=("mail-1",))
            assert await tell.tell(record.org, record.execution, [first])
            await until(lambda: record.sent == ["mail-1"])
            last = record.change("step_completed", ended=True, deliveries=("mail-2",))
            assert await tell.tell(record.org, record.execution, [last])
            assert await handle(temporal, record).result() == ExecutionClosed(1)
        assert record.sent == ["mail-1", "mail-2"]

    async def test_a_transition_told_twice_counts_once(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started")])
            told = record.change("step_completed", deliveries=("mail-1",))
            for _ in range(3):
                assert await tell.tell(record.org, record.execution, [told])
            await tell.tell(record.org, record.execution, [record.change("ended", ended=True)])
            assert (await handle(temporal, record).result()).number == 2
        assert record.sent == ["mail-1"]
        assert record.settled == []

    async def test_what_overtook_another_is_acted_on_in_order(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started")])
            one = record.change("step_completed", deliveries=("mail-1",))
            two = record.change("step_completed", deliveries=("mail-2",))
            three = record.change("ended", ended=True)
            for told in (three, two, one):
                assert await tell.tell(record.org, record.execution, [told])
            assert (await handle(temporal, record).result()).number == 3
        assert record.sent == ["mail-1", "mail-2"]

    async def test_a_known_number_with_another_digest_loads_everything_again(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started")])
            known = record.change("step_completed")
            await tell.tell(record.org, record.execution, [known])
            other = Told(known.number, known.event, known.event_id, None, known.at, "another", None)
            record.transitions[1] = other
            await tell.tell(record.org, record.execution, [other])
            await until(lambda: [asked.known for asked in record.settled] == [-1])
            await tell.tell(record.org, record.execution, [record.change("ended", ended=True)])
            assert (await handle(temporal, record).result()).number == 2

    async def test_a_record_set_back_does_not_make_it_ask_for_ever(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started")])
            lost = Told(7, "step_completed", "lost", None, soon(0), "lost", None)
            await tell.tell(record.org, record.execution, [lost])
            await until(lambda: len(record.settled) == 1)
            await tell.tell(record.org, record.execution, [record.change("ended", ended=True)])
            assert (await handle(temporal, record).result()).number == 1
        assert len(record.settled) == 1


class TestBeginning:
    async def test_a_first_start_brings_what_is_told(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", deadlines=[soon(3600)])
            then = record.change("step_completed", deadlines=[soon(7200)])
            assert await teller(temporal, record).tell(record.org, record.execution, [first, then])
            found = handle(temporal, record)
            await started_timers(found, 1)
            seen = await events(found)
            shown = await details(found)
        assert (record.looked_up, record.settled) == (0, [])
        assert seen["MARKER_RECORDED"] == seen["WORKFLOW_EXECUTION_SIGNALED"] == 0
        assert seen.total() == 5
        assert "transition 1" in shown
        assert "- 0 started at" in shown
        assert "- 1 step_completed at" in shown

    async def test_what_does_not_name_its_playbook_is_looked_up(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            first = replace(record.change("started", deadlines=[soon(3600)]), playbook=None)
            assert await teller(temporal, record).tell(record.org, record.execution, [first])
            await started_timers(handle(temporal, record), 1)
        assert (record.looked_up, record.settled) == (1, [])

    async def test_one_with_deliveries_settles(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", deliveries=("mail-1",))
            assert await teller(temporal, record).tell(record.org, record.execution, [first])
            await until(lambda: record.sent == ["mail-1"])
        assert [asked.known for asked in record.settled] == [-1]

    async def test_one_that_is_over_settles(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            told = [record.change("started"), record.change("ended", ended=True)]
            assert await teller(temporal, record).tell(record.org, record.execution, told)
            assert (await handle(temporal, record).result()).number == 1
            seen = await events(handle(temporal, record))
        assert [asked.known for asked in record.settled] == [-1]
        assert seen["WORKFLOW_EXECUTION_SIGNALED"] == 0

    async def test_one_with_a_gap_loads_what_is_missing(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started")
            record.change("step_completed", deliveries=("mail-1",))
            last = record.change("step_completed")
            assert await teller(temporal, record).tell(record.org, record.execution, [first, last])
            await until(lambda: record.sent == ["mail-1"])
        assert [asked.known for asked in record.settled] == [-1]

    async def test_a_workflow_that_is_there_hears_the_rest_by_signal(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            first = record.change("started")
            for _ in range(2):
                assert await tell.tell(record.org, record.execution, [first])
            last = record.change("step_completed", deadlines=[soon(3600)])
            for _ in range(2):
                assert await tell.tell(record.org, record.execution, [first, last])
            found = handle(temporal, record)
            await started_timers(found, 1)
            seen = await events(found)
        assert seen["WORKFLOW_EXECUTION_SIGNALED"] == 2  # none for number 0 alone
        assert record.settled == []

    async def test_one_that_was_terminated_loads_everything(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            first = record.change("started")
            await tell.tell(record.org, record.execution, [first])
            await handle(temporal, record).terminate("by hand")
            last = record.change("step_completed", deadlines=[soon(3600)])
            assert await tell.tell(record.org, record.execution, [first, last])
            await started_timers(handle(temporal, record), 1)
        assert [asked.known for asked in record.settled] == [-1]


class TestDeadline:
    async def test_deadlines_fire_at_their_instants_over_eight_weeks(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        instants = [soon(86_400 * days) for days in (2, 3, 14, 56)]
        async with working(temporal.client, [record.settle, record.deliver]):
            await teller(temporal, record).tell(
                record.org, record.execution, [record.change("started", deadlines=instants)]
            )
            found = handle(temporal, record)
            await started_timers(found, 1)
            await temporal.fast_forward(found, timedelta(days=57))
            assert (await found.result()).number == 5
        asked = [request.asked_at for request in record.settled]
        assert len(asked) == 4
        for instant, at in zip(instants, asked, strict=True):
            assert timedelta() <= at - instant < timedelta(seconds=5)

    async def test_the_timer_restarts_when_the_deadline_moves(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            first = record.change("started", deadlines=[soon(3600)])
            await tell.tell(record.org, record.execution, [first])
            found = handle(temporal, record)
            await started_timers(found, 1)
            later = record.change("step_completed", deadlines=[soon(7200)])
            await tell.tell(record.org, record.execution, [later])
            await started_timers(found, 2)
            earlier = record.change("step_completed", deadlines=[soon(2)])
            await tell.tell(record.org, record.execution, [earlier])
            assert (await found.result()).number == 4
            seen = await events(found)
        assert (seen["TIMER_STARTED"], seen["TIMER_CANCELED"]) == (3, 2)

    async def test_not_before_makes_it_sleep_at_least_a_second(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record(not_before_once=True)
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", deadlines=[soon(1.5)])
            await teller(temporal, record).tell(record.org, record.execution, [first])
            assert (await handle(temporal, record).result()).number == 2
        early, late = (request.asked_at for request in record.settled)
        assert late - early >= timedelta(seconds=1)

    async def test_a_record_that_is_down_is_asked_by_the_regular_activity(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record(failures=4)
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", deadlines=[soon(1.5)])
            await teller(temporal, record).tell(record.org, record.execution, [first])
            assert (await handle(temporal, record).result()).number == 2
            seen = await events(handle(temporal, record))
        assert record.regular >= 1
        assert seen["ACTIVITY_TASK_SCHEDULED"] == 1

    async def test_a_record_that_hangs_is_asked_by_the_regular_activity(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record(hangs=2)
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", deadlines=[soon(1.5)])
            await teller(temporal, record).tell(record.org, record.execution, [first])
            assert (await handle(temporal, record).result()).number == 2
            seen = await events(handle(temporal, record))
        assert record.regular == 1
        assert seen["WORKFLOW_TASK_STARTED"] <= 4


class TestDelivery:
    async def test_what_takes_longer_goes_on_beside_the_timer(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record(slow_deliveries=1)
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", deadlines=[soon(2)], deliveries=("a", "b"))
            await teller(temporal, record).tell(record.org, record.execution, [first])
            assert (await handle(temporal, record).result()).number == 2
            seen = await events(handle(temporal, record))
        assert record.sent == ["a", "b"]
        assert seen["ACTIVITY_TASK_SCHEDULED"] == 1

    async def test_a_long_wait_between_tries_is_a_timer(self, temporal: SkippingTemporal) -> None:
        record = Record(wait_once=soon(600))
        async with working(temporal.client, [record.settle, record.deliver]):
            first = record.change("started", ended=True, deliveries=("a",))
            await teller(temporal, record).tell(record.org, record.execution, [first])
            await until(lambda: record.wait_once is None)
            found = handle(temporal, record)
            assert (await found.describe()).status == WorkflowExecutionStatus.RUNNING
            await temporal.fast_forward(found, timedelta(seconds=610))
            await found.result()
            seen = await events(found)
        assert record.sent == ["a"]
        assert seen["ACTIVITY_TASK_SCHEDULED"] == 0


class TestComingBack:
    async def test_a_terminated_workflow_comes_back_when_it_is_told(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started")])
            await handle(temporal, record).terminate("by hand")
            told = record.change("step_completed", deadlines=[soon(1.5)], deliveries=("a",))
            assert await tell.tell(record.org, record.execution, [told])
            assert (await handle(temporal, record).result()).number == 3
        assert record.sent == ["a"]

    async def test_a_workflow_that_closed_by_mistake_comes_back_under_another_id(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started", ended=True)])
            await handle(temporal, record).result()
            record.transitions.clear()
            record.change("started")
            for ended in (False, True):
                told = record.change("step_completed", ended=ended)
                assert await tell.tell(record.org, record.execution, [told])
            second = temporal.client.get_workflow_handle_for(
                ExecutionWorkflow.run, workflow_id(record.org, record.execution, 2)
            )
            assert (await second.result()).number == 2

    async def test_what_is_over_counts_as_told(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            told = record.change("started", ended=True)
            await tell.tell(record.org, record.execution, [told])
            await handle(temporal, record).result()
            assert await tell.tell(record.org, record.execution, [told])
            again = await handle(temporal, record).describe()
        assert again.status == WorkflowExecutionStatus.COMPLETED

    async def test_an_execution_missing_in_the_record_is_not_told(
        self, temporal: SkippingTemporal
    ) -> None:
        record, other = Record(), Record()
        tell = teller(temporal, record)
        first = replace(other.change("started"), playbook=None)
        later = other.change("step_completed")
        for told in ([first], [first, later], [later]):
            assert not await tell.tell(other.org, other.execution, told)

    async def test_waking_loads_the_record_again(self, temporal: SkippingTemporal) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record)
            await tell.tell(record.org, record.execution, [record.change("started")])
            record.change("step_completed", ended=True)
            assert await tell.wake(record.org, record.execution)
            assert (await handle(temporal, record).result()).number == 1


class TestContinuing:
    async def test_it_continues_as_new_and_knows_what_it_knew(
        self, temporal: SkippingTemporal
    ) -> None:
        record = Record()
        async with working(temporal.client, [record.settle, record.deliver]):
            tell = teller(temporal, record, continue_after=30)
            first = record.change("started", deadlines=[soon(600)])
            await tell.tell(record.org, record.execution, [first])
            for number in range(20):
                told = record.change("step_completed", deliveries=(f"mail-{number}",))
                await tell.tell(record.org, record.execution, [told])
            await until(lambda: len(record.sent) == 20)
            found = handle(temporal, record)
            async with asyncio.timeout(15):
                while not await continued(found):  # noqa: ASYNC110 - a server does
                    await asyncio.sleep(0.05)
            await temporal.fast_forward(found, timedelta(seconds=610))
            assert (await found.result()).number == 22
        assert [request.known for request in record.settled] == [20]
        assert record.sent == [f"mail-{number}" for number in range(20)]


async def test_a_signal_that_cannot_be_read_harms_nothing(temporal: SkippingTemporal) -> None:
    record = Record()
    async with working(temporal.client, [record.settle, record.deliver]):
        tell = teller(temporal, record)
        await tell.tell(record.org, record.execution, [record.change("started")])
        await handle(temporal, record).signal("transition", {"nonsense": 1})
        await handle(temporal, record).signal(ExecutionWorkflow.transition, News(()))
        await tell.tell(record.org, record.execution, [record.change("ended", ended=True)])
        assert (await handle(temporal, record).result()).number == 1
