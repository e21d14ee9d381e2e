"""What the running app holds: made in the lifespan, handed to requests by the guard."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from api.settings import ApiSettings
from db.engine import Database
from workflows.client import Teller


@dataclass(frozen=True, slots=True)
class Parts:
    """One per app. `teller` is None where no Temporal is configured."""

    settings: ApiSettings
    database: Database
    teller: Teller | None


def parts_of(request: Request) -> Parts:
    """The parts of the app that serves this request."""
    parts: Parts = request.app.state.parts
    return parts
