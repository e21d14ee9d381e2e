"""The words a playbook may read: fields of its subject, and kinds of facts.

Fields are what intake and the diagnostic keep in a subject's statistics. `custom.` opens both to
an organization's own data. Percentages run from 0 to 100, amounts are in the account's currency.
"""

from __future__ import annotations

from enum import StrEnum


class FieldType(StrEnum):
    number = "number"
    text = "text"
    date = "date"
    flag = "flag"


CUSTOM = "custom."
"""Fields and facts of an organization's own begin so; nothing is known of their type."""

START = "start."
"""Fields that read a parameter of the start."""

FIELDS: dict[str, tuple[FieldType, str]] = {
    "account.stage": (FieldType.text, "where the account stands: lead, customer, churned"),
    "account.tier": (FieldType.text, "high_value, growth, stable"),
    "account.plan": (FieldType.text, "the plan it subscribes to"),
    "account.arr": (FieldType.number, "annual recurring revenue"),
    "account.seats": (FieldType.number, "seats bought"),
    "account.renewal_date": (FieldType.date, "the earliest renewal of its subscriptions"),
    "account.customer_since": (FieldType.date, "when it became a customer"),
    "account.responsive": (FieldType.flag, "answers what we send: a two-way touch in 30 days"),
    "account.champion_known": (FieldType.flag, "a champion is named and there"),
    "health.score": (FieldType.number, "the health score, 0 to 100"),
    "health.change_30d": (FieldType.number, "points against 30 days ago"),
    "health.band": (FieldType.text, "critical, at_risk, stable, healthy"),
    "health.checked_at": (FieldType.date, "when a person last checked the health"),
    "usage.last_active_at": (FieldType.date, "the last use by anybody of the account"),
    "usage.inactive_days": (FieldType.number, "consecutive days without use"),
    "usage.change_30d": (FieldType.number, "per cent against the 30 days before"),
    "usage.limit_ratio": (FieldType.number, "per cent of the plan's limit in use, the highest"),
    "usage.months_at_80": (FieldType.number, "consecutive months at 80 per cent of a limit"),
    "usage.seats_used": (FieldType.number, "seats in use"),
    "usage.seat_ratio": (FieldType.number, "per cent of the seats bought that are in use"),
    "usage.feature_ratio": (FieldType.number, "per cent of the plan's features in use"),
    "usage.teams": (FieldType.number, "teams in use"),
    "usage.manual_work": (FieldType.flag, "does by hand what a higher plan automates"),
    "seats.change_90d": (FieldType.number, "seats in use against 90 days ago"),
    "request.premium_open": (FieldType.number, "open requests for features of a higher plan"),
    "billing.issue_open": (FieldType.flag, "a payment failed or is disputed"),
    "billing.overdue_days": (FieldType.number, "days the oldest invoice is overdue"),
    "ticket.open": (FieldType.number, "open support tickets"),
    "ticket.urgent_open": (FieldType.number, "open tickets marked urgent or critical"),
    "ticket.frustrated_open": (FieldType.number, "open tickets whose words show frustration"),
    "ticket.count_30d": (FieldType.number, "tickets opened in 30 days"),
    "ticket.resolution_hours": (FieldType.number, "median hours to resolve, of 90 days"),
    "touch.last_at": (FieldType.date, "the last touch"),
    "touch.last_two_way_at": (FieldType.date, "the last touch with an answer"),
    "touch.count_90d": (FieldType.number, "touches in 90 days"),
    "touch.response_rate": (FieldType.number, "per cent of our touches of 90 days answered"),
    "nps.last_score": (FieldType.number, "the last answer, 0 to 10"),
    "nps.change": (FieldType.number, "the last answer against the one before"),
    "nps.last_at": (FieldType.date, "when it was answered"),
    "pulse.last": (FieldType.text, "the risk as a person last judged it: low, medium, high"),
    "pulse.last_at": (FieldType.date, "when a person last judged it"),
    "milestone.late_days": (FieldType.number, "days the latest milestone is late"),
    "goal.attained_ratio": (FieldType.number, "per cent of the agreed goals that are reached"),
    "deal.stage_changed_at": (FieldType.date, "when an open deal last changed its stage"),
    "task.kept_ratio": (FieldType.number, "per cent of tasks due in 90 days done in time"),
}

FACTS: dict[str, str] = {
    "touch.call": "a call was logged",
    "touch.meeting": "a meeting was logged",
    "touch.mail": "a mail to the customer was logged",
    "touch.reply": "the customer answered",
    "survey.response": "a survey was answered",
    "survey.no_response": "a survey closed without an answer",
    "health.scored": "the health score was computed",
    "usage.recorded": "usage was recorded",
    "invoice.issued": "an invoice was issued",
    "invoice.failed": "a payment failed",
    "invoice.disputed": "an invoice is disputed",
    "invoice.paid": "an invoice was paid",
    "ticket.opened": "a ticket was opened",
    "ticket.updated": "a ticket changed",
    "ticket.resolved": "a ticket was resolved",
    "milestone.planned": "a milestone was planned, or its date moved",
    "milestone.reached": "a milestone was reached",
    "milestone.missed": "a milestone passed unmet",
    "stage.changed": "the account's stage changed",
    "contact.changed": "a contact came, left or changed role",
    "owner.changed": "a member of the account team changed",
    "feature.requested": "a feature was requested",
    "subscription.changed": "a subscription was bought, changed or ended",
    "pulse.recorded": "a person judged the risk",
}


def field_type(name: str) -> FieldType | None:
    """The type of a known field; None for `custom.` fields and for unknown ones."""
    known = FIELDS.get(name)
    return known[0] if known else None


def is_known_field(name: str) -> bool:
    return name in FIELDS or name.startswith(CUSTOM)


def is_known_fact(name: str) -> bool:
    return name in FACTS or name.startswith(CUSTOM)
