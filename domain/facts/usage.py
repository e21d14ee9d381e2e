"""The fields of usage: activity, limits, seats, teams, and how they changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.facts.fact import Fact
from domain.playbook.definition import Value

CHANGE_DAYS = 30
"""`domain/playbook/fields.py`, usage.change_30d: against the 30 days before."""

NEAR_LIMIT = 80
"""PLAYBOOKS.md A, expansion: usage at 80 per cent of plan limits or above, for 2+ months."""

SEAT_DAYS = 90
"""`domain/playbook/fields.py`, seats.change_90d."""


def usage_fields(facts: list[Fact], as_of: datetime) -> dict[str, Value]:
    """The fields that facts of kind usage.recorded make, in their order; there is one or more."""
    return {
        **_activity(facts, as_of),
        **_change(facts, as_of),
        **_limits(facts, as_of),
        **_seats(facts, as_of),
    }


def _activity(facts: list[Fact], as_of: datetime) -> dict[str, Value]:
    """Inactive: whole days of 24 hours since the last use, or since the first fact where there was
    none; 14 are reached at the instant, not before (PLAYBOOKS.md A, critical-alert)."""
    said = [fact for fact in facts if _active(fact) is not None]
    if not said:
        return {}
    active = [fact.happened_at for fact in said if _active(fact)]
    since = active[-1] if active else said[0].happened_at
    fields: dict[str, Value] = {
        "usage.inactive_days": max(0, (as_of - since) // timedelta(days=1)),
    }
    if active:
        fields["usage.last_active_at"] = active[-1].astimezone(UTC).isoformat()
    return fields


def _active(fact: Fact) -> bool | None:
    """Whether it tells of use; a named feature without numbers does, limits alone do not say."""
    counted = [v for name in ("events", "active_users") if (v := _number(fact, name)) is not None]
    if counted:
        return any(counted)
    return True if "feature" in fact.content and "limit_ratio" not in fact.content else None


def _change(facts: list[Fact], as_of: datetime) -> dict[str, Value]:
    """Per cent of events in 30 days against the 30 days before, else of the mean of active users.

    No data where facts do not reach back to the first day of the earlier window, or nothing was
    used in it: a customer who has just begun has not grown.
    """
    window = timedelta(days=CHANGE_DAYS)
    for name, adds in (("events", True), ("active_users", False)):
        said = [(f.happened_at, v) for f in facts if (v := _number(f, name)) is not None]
        if not said or said[0][0] > as_of - 2 * window + timedelta(days=1):
            continue
        now = [value for at, value in said if at > as_of - window]
        before = [value for at, value in said if as_of - 2 * window < at <= as_of - window]
        if not sum(before) or (not adds and not now):
            continue
        ours = sum(now) if adds else sum(now) / len(now)
        theirs = sum(before) if adds else sum(before) / len(before)
        return {"usage.change_30d": round((ours - theirs) * 100 / theirs, 1)}
    return {}


def _limits(facts: list[Fact], as_of: datetime) -> dict[str, Value]:
    """The highest of the limits as last reported (one per `feature`), and for how long they stand.

    A month counts where the mean of a limit's reports in it is 80 per cent or above. Counted back
    from the last month that is over; the running one neither counts nor breaks the row, and a
    month without a report breaks it. Mean and whole months are choices of ours.
    """
    limits: dict[Value, int | float] = {}
    months: dict[int, dict[Value, list[int | float]]] = {}
    for fact in facts:
        ratio = _number(fact, "limit_ratio")
        if ratio is not None:
            limit = fact.content.get("feature")
            limits[limit] = ratio
            months.setdefault(_month(fact.happened_at), {}).setdefault(limit, []).append(ratio)
    if not limits:
        return {}
    month = _month(as_of) - 1
    count = 0
    while any(sum(r) >= NEAR_LIMIT * len(r) for r in months.get(month, {}).values()):
        month -= 1
        count += 1
    return {"usage.limit_ratio": max(limits.values()), "usage.months_at_80": count}


def _seats(facts: list[Fact], as_of: datetime) -> dict[str, Value]:
    """As last reported; the change is against the last report of 90 days ago or before."""
    fields: dict[str, Value] = {}
    seats = [(f.happened_at, v) for f in facts if (v := _number(f, "seats_used")) is not None]
    if seats:
        fields["usage.seats_used"] = seats[-1][1]
        before = [value for at, value in seats if at <= as_of - timedelta(days=SEAT_DAYS)]
        if before:
            fields["seats.change_90d"] = seats[-1][1] - before[-1]
    teams = [value for fact in facts if (value := _number(fact, "teams")) is not None]
    if teams:
        fields["usage.teams"] = teams[-1]
    return fields


def _month(at: datetime) -> int:
    day = at.astimezone(UTC)
    return day.year * 12 + day.month


def _number(fact: Fact, name: str) -> int | float | None:
    value = fact.content.get(name)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value
