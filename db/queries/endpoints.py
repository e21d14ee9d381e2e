"""Where an organization's webhooks go."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from db.models.webhook_endpoints import WebhookEndpoint
from db.sessions import ReadSession, WriteSession


async def active(session: ReadSession) -> tuple[UUID, ...]:
    """Endpoints that take messages, the oldest first."""
    found = await session.scalars(
        select(WebhookEndpoint.id)
        .where(WebhookEndpoint.org_id == session.scope.org, WebhookEndpoint.active)
        .order_by(WebhookEndpoint.created_at, WebhookEndpoint.id)
    )
    return tuple(found)


async def read(session: ReadSession, endpoint: UUID) -> WebhookEndpoint | None:
    return await session.get(WebhookEndpoint, endpoint)


async def list_endpoints(session: ReadSession) -> Sequence[WebhookEndpoint]:
    """All of them, the oldest first."""
    found = await session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.org_id == session.scope.org)
        .order_by(WebhookEndpoint.created_at, WebhookEndpoint.id)
    )
    return found.all()


async def add(
    session: WriteSession, endpoint: UUID, url: str, secret: str, events: Sequence[str] = ()
) -> None:
    """A new endpoint; no `events` means all."""
    session.add(
        WebhookEndpoint(
            org_id=session.scope.org, id=endpoint, url=url, secret=secret, events=list(events)
        )
    )
    await session.flush()


async def deactivate(session: WriteSession, endpoint: UUID, reason: str) -> None:
    """Sends nothing there any more; `reason` is a code, as "gone" after a 410."""
    await session.run(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.org_id == session.scope.org, WebhookEndpoint.id == endpoint)
        .values(active=False, inactive_reason=reason)
        .execution_options(synchronize_session=False)
    )
