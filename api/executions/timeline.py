"""The history of an execution as people read it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.executions.schemas import TimelineEntry
from api.pagination import Page, page
from db.models.transitions import Transition
from db.queries import words
from db.queries.transitions import list_transitions
from db.sessions import ReadSession


async def timeline_of(
    session: ReadSession, execution: UUID, after: int, limit: int
) -> Page[TimelineEntry]:
    """Transitions following number `after`, with the words that their events name."""
    rows = await list_transitions(session, execution, after, limit + 1)
    texts = await words.read_many(session, [id_ for row in rows for id_ in _named(row.event)])

    def entry(row: Transition) -> TimelineEntry:
        body = row.event.get("body", row.event)
        return TimelineEntry(
            number=row.number,
            kind=row.kind,
            at=row.at,
            recorded_at=row.recorded_at,
            late=row.late,
            actor=row.actor_id,
            on_behalf_of=row.on_behalf_of,
            reason_code=row.reason_code,
            event={key: value for key, value in body.items() if key not in _LARGE},
            caused=row.commands,
            words={str(id_): texts[id_] for id_ in _named(row.event) if id_ in texts},
        )

    return page(rows, limit, entry, lambda row: (row.number,))


_LARGE = frozenset({"calendar", "kind"})
"""Not shown: the calendar snapshot is large, the kind stands beside the event."""


def _named(event: dict[str, Any]) -> list[UUID]:
    """Ids of words that an event names."""
    reason = event.get("body", event).get("reason")
    try:
        return [UUID(reason)] if isinstance(reason, str) else []
    except ValueError:
        return []
