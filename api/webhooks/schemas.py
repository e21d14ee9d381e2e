"""Webhook endpoints as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, field_validator

from api.shapes import Body, Code, View

Events = Annotated[list[Code], Field(max_length=50)]


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("not an address") from error
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        raise ValueError("send an address as https://hooks.example.com/holdfast")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user or password in the address; messages are signed")
    return url


class EndpointBody(Body):
    """No `events` means all of them. The signing secret is made here and shown once."""

    url: Annotated[str, Field(max_length=2000)]
    events: Events = Field(default_factory=list)

    _url = field_validator("url")(_checked)


class EndpointChange(Body):
    """Only the fields that are sent change."""

    url: Annotated[str, Field(max_length=2000)] = ""
    events: Events = Field(default_factory=list)
    active: bool = True

    _url = field_validator("url")(_checked)


class EndpointView(View):
    id: UUID
    url: str
    events: list[str]
    active: bool
    inactive_reason: str | None
    created_at: datetime


class NewEndpointView(EndpointView):
    """With its secret, for the only time."""

    secret: str
