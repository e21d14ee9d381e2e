"""The fields of an account that playbooks read."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.routing import router as router_of
from api.statistics.schemas import StatisticsBody, StatisticsView
from api.touches.schemas import Reached
from db.intake import learn_fields
from db.queries import accounts
from db.queries.statistics import read_statistics

router = router_of("statistics", "/accounts")


@router.get("/{account}/statistics")
@needs(Permission.read)
async def get_statistics(work: Read, account: UUID) -> StatisticsView:
    await accounts.require_account(work.session, work.org, account)
    known = await read_statistics(work.session, work.org, account)
    return StatisticsView(version=known.version, fields=known.fields)


@router.put("/{account}/statistics")
@needs(Permission.write_statistics)
async def put_statistics(work: Write, account: UUID, body: StatisticsBody) -> StatisticsView:
    """Lays new values over the known ones; open executions hear of what concerns them."""
    await accounts.require_account(work.session, work.org, account)
    learned = await learn_fields(
        work.session, account, body.fields, work.actor, expected=body.version, clock=work.clock
    )
    reached = work.heard(*learned.applied)
    known = learned.statistics
    await work.record(
        "statistics.written",
        "account",
        account,
        {"version": known.version, "fields": sorted(known.changed)},
    )
    return StatisticsView(
        version=known.version,
        fields=known.fields,
        reached=[Reached.model_validate(one) for one in reached],
    )
