"""Deliveries that no execution's workflow carries: redelivered ones, and digest mails (law 8)."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from workflows.interfaces import Delivering
    from workflows.life import DELIVERY_WAIT
    from workflows.messages import DeliverRequest, DeliveryInput, PendingDelivery

DELIVER_ATTEMPT = timedelta(seconds=90)
PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
TRIES_AHEAD = 200
"""Deliveries given to one activity; a choice that keeps its time and payload small."""


async def carry(org: str, pending: tuple[PendingDelivery, ...]) -> None:
    """Return when each delivery is delivered or dead."""
    left = {delivery.id: delivery.not_before for delivery in pending}
    while left:
        now = workflow.now()
        due = tuple(key for key, at in left.items() if at is None or at <= now)[:TRIES_AHEAD]
        if not due:
            first = min(at for at in left.values() if at is not None)
            await workflow.sleep(
                max((first - now).total_seconds(), 1.0), summary=f"{len(left)} to be tried again"
            )
            continue
        report = await workflow.execute_activity_method(
            Delivering.deliver,
            DeliverRequest(org, None, due),
            start_to_close_timeout=DELIVER_ATTEMPT,
            retry_policy=PATIENT,
            summary=f"deliver {len(due)}",
        )
        for key in report.done:
            left.pop(key, None)
        for delivery in report.waiting:
            least = workflow.now() + DELIVERY_WAIT
            left[delivery.id] = max(delivery.not_before or least, least)


@workflow.defn(name="Delivery")
class DeliveryWorkflow:
    """Carries deliveries of its own until each is delivered or dead."""

    @workflow.run
    async def run(self, given: DeliveryInput) -> None:
        """Return when nothing is left to try."""
        await carry(given.org, given.deliveries)
