"""The router of one noun: guarded, bounded, and documented with the problems it may answer."""

from __future__ import annotations

from fastapi import APIRouter

from api.guard import GuardedRoute
from api.problems import documented

LARGEST_BODY = 1 << 20
"""Bytes of a JSON body; imports and playbooks state their own bound."""


def router(tag: str, prefix: str = "", *, largest_body: int = LARGEST_BODY) -> APIRouter:
    """A router whose every route is guarded; without `@needs` a route cannot be mounted."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=GuardedRoute,
        responses=documented(400, 401, 403, 404, 409, 413, 422, 500, 503),
        max_body_size=largest_body,
    )
