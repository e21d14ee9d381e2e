"""Facts: taken in batches, read by account."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.auth.permissions import Permission, needs
from api.facts.schemas import FactBody, FactsBody, FactsView, FactView, ResultView, read, view
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from api.touches.schemas import Reached
from db.facts import Sent, take_facts
from db.facts_judged import FactStatus
from db.queries import accounts, facts
from domain.errors import Invalid
from domain.facts.checking import Observed

router = router_of("facts")


@router.post("/facts")
@needs(Permission.write_statistics)
async def post_facts(work: Write, body: FactsBody) -> FactsView:
    """Takes what is new and sound of up to 500 facts, in one transaction.

    A row that is refused keeps nothing from the others. The same fact again is known and changes
    nothing; another one under its source and external id has to say which fact it corrects.
    """
    sent: list[Sent] = []
    results: list[ResultView] = []
    for index, row in enumerate(body.facts):
        try:
            sent.append(_sent(work, index, read(row)))
        except Invalid as fault:
            results.append(
                ResultView(
                    index=index, status=FactStatus.refused, code=fault.code, detail=fault.message
                )
            )
    taken = await take_facts(work.session, sent, work.actor, clock=work.clock)
    results += [ResultView.model_validate(one) for one in taken.results]
    reached = work.heard(*taken.applied)
    count = Counter(one.status for one in results)
    if count[FactStatus.accepted]:
        await work.record(
            "facts.accepted",
            "facts",
            work.id_of(),
            {
                "accepted": count[FactStatus.accepted],
                "known": count[FactStatus.known],
                "refused": count[FactStatus.refused],
                "accounts_changed": len(taken.changed),
            },
        )
    return FactsView(
        accepted=count[FactStatus.accepted],
        known=count[FactStatus.known],
        refused=count[FactStatus.refused],
        results=sorted(results, key=lambda one: one.index),
        reached=[Reached.model_validate(one) for one in reached],
    )


@router.get("/accounts/{account}/facts")
@needs(Permission.read)
async def list_facts(
    work: Read,
    account: UUID,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[FactView]:
    """Facts of an account, the last happened first, corrected ones among them."""
    await accounts.require_account(work.session, work.org, account)
    after = decode(cursor, datetime.fromisoformat, UUID)
    rows = await facts.list_facts(work.session, account, kind, after, limit + 1)
    return page(rows, limit, view, lambda row: (row[0].happened_at, row[0].id))


def _sent(work: Write, index: int, body: FactBody) -> Sent:
    return Sent(
        index=index,
        id=work.id_of(f"fact:{index}"),
        account=body.account,
        contact=body.contact,
        source=body.source,
        external_id=body.external_id,
        observed=Observed(body.kind, body.happened_at, body.content, body.known_at),
        corrects=body.corrects,
    )
