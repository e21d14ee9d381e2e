"""How long durations are against each other, where no calendar is at hand."""

from __future__ import annotations

from domain.playbook.definition import Duration, Unit

BUSINESS = frozenset({Unit.business_hour, Unit.business_day})

_SECONDS = {
    Unit.minute: 60,
    Unit.hour: 3600,
    Unit.day: 86_400,
    Unit.week: 604_800,
    Unit.business_hour: 3600,
    Unit.business_day: 86_400,
}


def length(span: Duration) -> int:
    """Seconds at least: business time without nights, weekends and holidays in between."""
    return span.amount * _SECONDS[span.unit]


def comparable(one: Duration, other: Duration) -> bool:
    """Whether which of the two is longer is the same under every calendar."""
    return (one.unit in BUSINESS) == (other.unit in BUSINESS) or 0 in (one.amount, other.amount)
