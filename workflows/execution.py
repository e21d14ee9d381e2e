"""The durable life of one execution: told, wait, settle, deliver (law 4).

It decides nothing by itself, so that no change of ours can break a workflow that has slept for
weeks: what is due, what it means and what it causes is settled in the record by an activity.
"""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.playbook.telling import Settlement
    from workflows.interfaces import Delivering, Settling
    from workflows.life import Life
    from workflows.messages import (
        DeliverRequest,
        DeliveryReport,
        ExecutionClosed,
        ExecutionInput,
        News,
        PendingDelivery,
        SettleRequest,
    )

LOCAL_TRIES = timedelta(seconds=5)
LOCAL_ATTEMPT = timedelta(seconds=2)
"""A local activity tries at most so long: past 8 s it would write heartbeats into the history.

The waits between its attempts are not bounded by schedule-to-close, hence a count of attempts too.
"""

SETTLE_ATTEMPT = timedelta(seconds=30)
DELIVER_ATTEMPT = timedelta(seconds=90)
"""Bounds of one attempt of the regular activities; a lease is longer than an attempt."""

PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""Without a last attempt: what a deadline means is never given up."""

TRY_DELIVERY_LATER = timedelta(minutes=5)

TIMER_GRAIN = 0.01
"""Seconds; timers are rounded up to it, so that they never fire a hair before the instant."""


@workflow.defn(name="Execution")
class ExecutionWorkflow:
    """One execution, from its start to its outcome. Its id is `workflow_id(org, execution)`."""

    @workflow.init
    def __init__(self, given: ExecutionInput) -> None:
        self._life = Life.begin(given)
        self._stirred = False
        self._timer: asyncio.Task[None] | None = None
        self._timer_at: datetime | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}

    @workflow.signal(name="transition")
    def transition(self, news: News) -> None:
        """Put what is told in its place; the main loop acts on it."""
        before = self._life.conflicts
        self._life.hear(news.told)
        self._life.load = self._life.load or news.reload
        if self._life.conflicts > before:
            self._alarm()
        self._stirred = True

    @workflow.run
    async def run(self, given: ExecutionInput) -> ExecutionClosed:
        """Return when the outcome is applied and no delivery is pending."""
        life = self._life
        while True:
            self._stirred = False
            now = workflow.now()
            if life.must_settle(now):
                await self._settle()
            elif due := life.deliveries_due(now, self._under_way):
                await self._deliver(due)
            elif life.over:
                await workflow.wait_condition(workflow.all_handlers_finished)
                if life.over:
                    return ExecutionClosed(life.known)
            elif self._should_continue(given):
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not life.must_settle(now):
                    workflow.continue_as_new(life.go_on(given.continue_after))
            else:
                self._keep_timer()
                workflow.set_current_details(life.told_in_words())
                await workflow.wait_condition(lambda: self._stirred)

    async def _settle(self) -> None:
        """Local first, for one history event; then regular, whose retries write none."""
        life = self._life
        asked = life.ask()
        request = SettleRequest(life.org, life.execution, asked, workflow.now())
        summary = f"{life.playbook}: settle after transition {asked}"
        found: Settlement
        # A local activity that failed raises its own failure, not an ActivityError around it.
        try:
            found = await workflow.execute_local_activity_method(
                Settling.settle,
                request,
                schedule_to_close_timeout=LOCAL_TRIES,
                start_to_close_timeout=LOCAL_ATTEMPT,
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(milliseconds=200), maximum_attempts=2
                ),
                summary=summary,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            found = await workflow.execute_activity_method(
                Settling.settle,
                request,
                start_to_close_timeout=SETTLE_ATTEMPT,
                retry_policy=PATIENT,
                summary=summary,
            )
        before = life.conflicts
        life.learn(asked, found, workflow.now())
        if life.conflicts > before:
            self._alarm()

    async def _deliver(self, due: tuple[str, ...]) -> None:
        """One activity for all deliveries of a wake; what takes longer goes on beside the timer."""
        life = self._life
        request = DeliverRequest(life.org, life.execution, due)
        summary = f"{life.playbook}: deliver {len(due)} after transition {life.known}"
        try:
            report = await workflow.execute_local_activity_method(
                Delivering.deliver,
                request,
                schedule_to_close_timeout=LOCAL_TRIES,
                start_to_close_timeout=LOCAL_TRIES,
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary=summary,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            task = asyncio.create_task(self._deliver_beside(request, summary))
            self._under_way.update(dict.fromkeys(due, task))
        else:
            life.report(report, workflow.now())

    async def _deliver_beside(self, request: DeliverRequest, summary: str) -> None:
        try:
            report = await workflow.execute_activity_method(
                Delivering.deliver,
                request,
                start_to_close_timeout=DELIVER_ATTEMPT,
                retry_policy=PATIENT,
                summary=summary,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            # Only an error that forbids retries ends here; the record still holds the deliveries.
            workflow.logger.error("deliveries of %s are put off", workflow.info().workflow_id)
            later = workflow.now() + TRY_DELIVERY_LATER
            waiting = tuple(PendingDelivery(key, later) for key in request.deliveries)
            report = DeliveryReport(done=(), waiting=waiting)
        for key in request.deliveries:
            self._under_way.pop(key, None)
        self._life.report(report, workflow.now())
        self._stirred = True

    def _should_continue(self, given: ExecutionInput) -> bool:
        """Continue-as-new drops a retrying activity, so none may be in flight."""
        info = workflow.info()
        suggested = info.is_continue_as_new_suggested() or (
            given.continue_after is not None
            and info.get_current_history_length() >= given.continue_after
        )
        return suggested and not self._under_way

    def _keep_timer(self) -> None:
        """One timer, to the earliest instant; a stale one costs five events, a restart two."""
        at = self._life.wakes_at(self._under_way)
        if at == self._timer_at or (self._life.schema < 2 and self._may_fire_early(at)):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, at
        if at is not None:
            self._timer = asyncio.create_task(self._sleep_until(at))

    def _may_fire_early(self, at: datetime | None) -> bool:
        """Lives of schema 1 keep a timer that fires before there is anything to do."""
        return at is None or (self._timer_at is not None and self._timer_at <= at)

    async def _sleep_until(self, at: datetime) -> None:
        left = max((at - workflow.now()).total_seconds(), 0.0)
        instant = at.strftime("%Y-%m-%d %H:%M:%S UTC")
        await workflow.sleep(
            math.ceil(left / TIMER_GRAIN) * TIMER_GRAIN,
            summary=f"{self._life.playbook}: next deadline {instant}",
        )
        self._timer, self._timer_at = None, None
        self._stirred = True

    def _alarm(self) -> None:
        workflow.logger.error(
            "transition %s of %s has two digests; everything is loaded again",
            self._life.known,
            workflow.info().workflow_id,
        )
        workflow.metric_meter().create_counter(
            "holdfast_digest_conflicts", "Known transitions that were told with another digest."
        ).add(1)
