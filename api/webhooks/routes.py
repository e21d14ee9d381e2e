"""Where webhooks go: list, add, read, change, take away. Addresses are checked when sending too."""

from __future__ import annotations

import base64
import secrets
from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.routing import router as router_of
from api.webhooks.schemas import EndpointBody, EndpointChange, EndpointView, NewEndpointView
from db.models.webhook_endpoints import WebhookEndpoint
from db.queries import endpoints
from db.sessions import ReadSession
from domain.errors import NotFound

router = router_of("webhook-endpoints", "/webhook-endpoints")


@router.get("")
@needs(Permission.manage_webhooks)
async def list_endpoints(work: Read) -> list[EndpointView]:
    """All endpoints, the oldest first."""
    return [
        EndpointView.model_validate(one) for one in await endpoints.list_endpoints(work.session)
    ]


@router.post("", status_code=201)
@needs(Permission.manage_webhooks)
async def add_endpoint(work: Write, body: EndpointBody) -> NewEndpointView:
    """Adds an endpoint and shows the secret that signs what is sent there."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    await endpoints.add(work.session, work.id_of(), body.url, secret, body.events)
    await work.record("webhook_endpoint.added", "webhook_endpoint", work.id_of())
    return NewEndpointView.model_validate(await _get(work.session, work.id_of()))


@router.get("/{endpoint}")
@needs(Permission.manage_webhooks)
async def get_endpoint(work: Read, endpoint: UUID) -> EndpointView:
    return EndpointView.model_validate(await _get(work.session, endpoint))


@router.patch("/{endpoint}")
@needs(Permission.manage_webhooks)
async def change_endpoint(work: Write, endpoint: UUID, body: EndpointChange) -> EndpointView:
    """Changes what is sent; making it active again forgets why it was not."""
    found = await _get(work.session, endpoint)
    changes = body.model_dump(exclude_unset=True)
    for name, value in changes.items():
        setattr(found, name, value)
    if changes.get("active"):
        found.inactive_reason = None
    await work.session.flush()
    await work.record(
        "webhook_endpoint.changed", "webhook_endpoint", endpoint, {"fields": sorted(changes)}
    )
    return EndpointView.model_validate(found)


@router.delete("/{endpoint}", status_code=204)
@needs(Permission.manage_webhooks)
async def remove_endpoint(work: Write, endpoint: UUID) -> None:
    """Takes it away; deliveries that are under way to it become dead letters."""
    await work.session.delete(await _get(work.session, endpoint))
    await work.record("webhook_endpoint.removed", "webhook_endpoint", endpoint)


async def _get(session: ReadSession, endpoint: UUID) -> WebhookEndpoint:
    found = await endpoints.read(session, endpoint)
    if found is None:
        raise NotFound(
            "There is no such webhook endpoint in this organization.",
            code="endpoint_not_found",
            details={"endpoint": str(endpoint)},
        )
    return found
