"""What leaves the house: list, with dead letters; redeliver."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.auth.permissions import Permission, needs
from api.deliveries.schemas import DeliveryStatus, DeliveryView
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.models.deliveries import Delivery
from db.queries import deliveries
from db.sessions import ReadSession
from domain.errors import NotFound, Refused

router = router_of("deliveries", "/deliveries")


@router.get("")
@needs(Permission.read_deliveries)
async def list_deliveries(
    work: Read,
    status: DeliveryStatus | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryView]:
    """Deliveries, the newest first; dead letters have the status "dead"."""
    after = decode(cursor, datetime.fromisoformat, UUID)
    rows = await deliveries.list_deliveries(work.session, status, after, limit + 1)
    return page(rows, limit, DeliveryView.model_validate, lambda row: (row.created_at, row.id))


@router.get("/{delivery}")
@needs(Permission.read_deliveries)
async def get_delivery(work: Read, delivery: UUID) -> DeliveryView:
    return DeliveryView.model_validate(await _get(work.session, delivery))


@router.post("/{delivery}/redeliver")
@needs(Permission.redeliver)
async def redeliver(work: Write, delivery: UUID) -> DeliveryView:
    """Puts a dead letter back; a worker carries it in a workflow of its own."""
    await _get(work.session, delivery)
    if await deliveries.redeliver(work.session, delivery) is None:
        raise Refused(
            "Only a dead letter can be redelivered; this one is not dead.",
            code="not_dead",
            details={"delivery": str(delivery)},
        )
    await work.record("delivery.redelivered", "delivery", delivery)
    return DeliveryView.model_validate(await _get(work.session, delivery))


async def _get(session: ReadSession, delivery: UUID) -> Delivery:
    found = await deliveries.get(session, delivery)
    if found is None:
        raise NotFound(
            "There is no such delivery in this organization.",
            code="delivery_not_found",
            details={"delivery": str(delivery)},
        )
    return found
