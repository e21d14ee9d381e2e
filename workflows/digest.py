"""The daily round of digest mails of one organization, started by its Temporal Schedule."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.delivery import PATIENT, carry
    from workflows.interfaces import Digesting
    from workflows.messages import DigestRequest, PendingDelivery

ROUND = timedelta(minutes=2)


@workflow.defn(name="Digest")
class DigestWorkflow:
    """Makes one mail for each member with notices that are not urgent, and carries them."""

    @workflow.run
    async def run(self, given: DigestRequest) -> int:
        """Return the count of mails made, when each is delivered or dead."""
        report = await workflow.execute_activity_method(
            Digesting.make_digests,
            given,
            start_to_close_timeout=ROUND,
            retry_policy=PATIENT,
            summary="make the day's digests",
        )
        await carry(given.org, tuple(PendingDelivery(key) for key in report.deliveries))
        return len(report.deliveries)
