"""When a delivery that failed is tried again, and when it is given up as a dead letter."""

from __future__ import annotations

from datetime import datetime, timedelta

from activities.channels.results import NotSent
from db.queries.deliveries import Claimed

SOON = timedelta(minutes=1)
"""Longer waits are instants that the workflow wakes for, not attempts of an activity (law 8)."""

WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 300, 900, 1800, 3600, 7200, 14_400, 28_800)
)
"""Before the second try, the third, and so on; the last one repeats. Our choice."""

MOST_TRIES = 20
OLDEST = timedelta(hours=96)
"""Standard Webhooks advises to go on for days; receivers have been seen down for over 75 h."""


def next_try(claimed: Claimed, result: NotSent, now: datetime) -> timedelta | None:
    """The wait before the next try; None where there is none."""
    if result.final or claimed.attempts >= MOST_TRIES:
        return None
    wait = WAITS[min(claimed.attempts, len(WAITS)) - 1]
    if result.retry_after is not None:
        wait = max(wait, timedelta(seconds=result.retry_after))
    if claimed.created_at + OLDEST < now + wait and claimed.attempts > 1:
        return None
    return wait
