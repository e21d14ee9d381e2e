"""One mail a day for each member with notices that are not urgent, and the schedule that asks."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from activities.failures import in_temporals_words
from db.engine import Database
from db.lives import Lives
from db.queries import correspondence, deliveries
from db.scope import Scope
from runtime.ids import new_id
from workflows.digest import DigestWorkflow
from workflows.ids import digest_schedule_id
from workflows.interfaces import Digesting
from workflows.messages import DigestReport, DigestRequest

log = logging.getLogger(__name__)

HOUR = 8
"""Local hour of the daily mail, before most calendars open; our choice."""

CATCH_UP = timedelta(hours=12)
"""A round missed for longer is left out: the next morning's mail tells of everything anyway."""


class DigestingActivities(Digesting):
    """Folds waiting notices into mails, as the organization's service member."""

    def __init__(self, database: Database, lives: Lives) -> None:
        self._database = database
        self._lives = lives

    @activity.defn(name="make_digests")
    async def make_digests(self, request: DigestRequest) -> DigestReport:
        """Make one mail for each member with notices that no digest has carried yet.

        A try whose answer was lost leaves its mails to the check of deliveries of their own.
        """
        async with in_temporals_words():
            scope = await self._lives.scope(UUID(request.org))
            async with self._database.transaction(scope) as session:
                mails = await deliveries.gather_digests(session, new_id)
        return DigestReport(tuple(str(mail) for mail in mails))


async def keep_schedule(client: Client, database: Database, scope: Scope, queue: str) -> None:
    """Have the organization's schedule in Temporal, in its present time zone."""
    async with database.reading(scope) as session:
        house = await correspondence.house(session)
    schedule = daily(scope.org, house.timezone, queue)
    identity = digest_schedule_id(scope.org)
    try:
        await client.create_schedule(identity, schedule)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(identity)
        found = await handle.describe()
        if found.schedule.spec.time_zone_name != house.timezone:
            log.info("the digest of %s follows its time zone", identity)
            await handle.update(lambda known: _with_spec(known, schedule.spec))


def daily(org: UUID, timezone: str, queue: str) -> Schedule:
    """Every day at 08:00 in an IANA time zone, never two rounds at once."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            DigestWorkflow.run,
            DigestRequest(str(org)),
            id=digest_schedule_id(org),
            task_queue=queue,
            static_summary="daily digest",
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(
                    hour=[ScheduleRange(HOUR)], minute=[ScheduleRange(0)], second=[ScheduleRange(0)]
                )
            ],
            time_zone_name=timezone,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


def _with_spec(known: ScheduleUpdateInput, spec: ScheduleSpec) -> ScheduleUpdate:
    known.description.schedule.spec = spec
    return ScheduleUpdate(known.description.schedule)
