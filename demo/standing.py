"""What the statistics of a demo account say: the fields that playbooks read."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from demo.identity import share
from demo.portfolio import Customer
from domain.playbook.definition import Value

Fields = dict[str, Value]


def fields_of(customer: Customer, now: datetime, last_touch: datetime | None) -> Fields:
    """Every field that we know of a customer, as of `now`."""
    used = int(customer.seats * (0.55 + 0.4 * share(customer.key, "seats")))
    two_way = last_touch is not None and last_touch > now - timedelta(days=30)
    fields: Fields = {
        "account.stage": customer.stage,
        "account.tier": customer.tier,
        "account.plan": customer.plan,
        "account.arr": customer.arr,
        "account.seats": customer.seats,
        "account.renewal_date": _day(now, customer.renewal),
        "account.customer_since": _day(now, -customer.since),
        "account.responsive": two_way or customer.score > 85,
        "account.champion_known": True,
        "health.score": customer.score,
        "health.change_30d": customer.change,
        "health.band": band_of(customer.score),
        "usage.last_active_at": _day(now, -customer.inactive),
        "usage.inactive_days": customer.inactive,
        "usage.change_30d": min(20, customer.change * 2),
        "usage.limit_ratio": customer.limit,
        "usage.months_at_80": 3 if customer.limit >= 80 else 0,
        "usage.seats_used": used,
        "usage.teams": 1 + customer.seats // 90,
        "usage.manual_work": customer.limit >= 85,
        "seats.change_90d": max(0, customer.change),
        "request.premium_open": 1 if customer.limit >= 85 else 0,
        "billing.issue_open": False,
        "billing.overdue_days": 0,
        "ticket.open": customer.tickets,
        "ticket.urgent_open": 0,
        "ticket.frustrated_open": 1 if customer.score < 60 and customer.tickets > 2 else 0,
        "ticket.count_30d": customer.tickets + 1,
        "nps.last_score": customer.nps,
        "nps.last_at": _day(now, -int(20 + 60 * share(customer.key, "nps"))),
        "pulse.last": "high" if customer.score < 60 else "low",
    }
    if last_touch is not None:
        fields["touch.last_at"] = last_touch.date().isoformat()
        fields["touch.last_two_way_at"] = last_touch.date().isoformat()
    return fields


def band_of(score: float) -> str:
    """The band of a health score (PLAYBOOKS.md, bands and changes)."""
    if score < 50:
        return "critical"
    if score < 70:
        return "at_risk"
    return "stable" if score < 85 else "healthy"


def scored(score: int, change: int) -> Fields:
    """The fields that a new health score sets."""
    return {"health.score": score, "health.change_30d": change, "health.band": band_of(score)}


def _day(now: datetime, days: int) -> str:
    day: date = (now + timedelta(days=days)).date()
    return day.isoformat()
