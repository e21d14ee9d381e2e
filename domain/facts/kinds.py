"""What a fact of each kind may say: one row per item, with its type, bounds and unit.

Only codes, numbers and instants (law 16). Bounds whose source is not named are choices of ours,
far above what can be true, so that a slip of the unit is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ItemType(StrEnum):
    whole = "whole"  # a number of things
    cents = "cents"  # a whole number of hundredths of the currency
    percent = "percent"  # 0 to 100 and above, never a fraction of 1
    code = "code"
    reference = "reference"  # the source's own key of a thing
    currency = "currency"  # three capital letters, ISO 4217
    flag = "flag"
    instant = "instant"  # with its offset
    date = "date"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a content. `low` and `high` bound numbers; `choices` bound codes."""

    type: ItemType
    required: bool = False
    low: int = 0
    high: int = 10**12
    choices: tuple[str, ...] = ()


Content = Mapping[str, Item]

_PEOPLE = Item(ItemType.whole, high=10**9)
_CENTS = Item(ItemType.cents, high=2**62)
_REFERENCE = Item(ItemType.reference, required=True)
_CODE = Item(ItemType.code, required=True)

_USAGE: Content = {
    "active_users": _PEOPLE,
    "events": Item(ItemType.whole),
    "limit_ratio": Item(ItemType.percent, high=1000),
    "seats_used": _PEOPLE,
    "teams": _PEOPLE,
    "feature": Item(ItemType.code),
}

_TICKET: Content = {
    "ticket": _REFERENCE,
    "priority": Item(ItemType.code, choices=("low", "medium", "high", "urgent", "critical")),
    "status": Item(ItemType.code, choices=("open", "pending", "resolved", "closed")),
    "satisfaction": Item(ItemType.whole, low=1, high=5),
    "sentiment": Item(ItemType.code, choices=("positive", "neutral", "negative", "frustrated")),
}

_INVOICE: Content = {
    "invoice": _REFERENCE,
    "amount_cents": _CENTS,
    "currency": Item(ItemType.currency),
    "due_at": Item(ItemType.instant),
}

_TOUCH: Content = {
    "direction": Item(ItemType.code, choices=("inbound", "outbound")),
    "two_way": Item(ItemType.flag),
}

_MILESTONE: Content = {"milestone": _REFERENCE, "due_at": Item(ItemType.instant)}

KINDS: Mapping[str, Content] = {
    "usage.recorded": _USAGE,
    "ticket.opened": _TICKET,
    "ticket.updated": _TICKET,
    "ticket.resolved": _TICKET,
    "survey.response": {
        "survey": _CODE,
        # PLAYBOOKS.md A: detractors to 6, passives to 8, promoters to 10
        "score": Item(ItemType.whole, required=True, high=10),
    },
    "survey.no_response": {"survey": _CODE},
    "invoice.issued": _INVOICE,
    "invoice.paid": _INVOICE,
    "invoice.failed": _INVOICE,
    "invoice.disputed": _INVOICE,
    "touch.call": _TOUCH,
    "touch.meeting": _TOUCH,
    "touch.mail": _TOUCH,
    "touch.reply": _TOUCH,
    "milestone.planned": {**_MILESTONE, "due_at": Item(ItemType.instant, required=True)},
    "milestone.reached": _MILESTONE,
    "milestone.missed": _MILESTONE,
    "stage.changed": {"stage": _CODE},
    "feature.requested": {
        "feature": _CODE,
        "premium": Item(ItemType.flag),
        "status": Item(ItemType.code, choices=("open", "delivered", "declined", "withdrawn")),
    },
    "contact.changed": {
        "change": Item(ItemType.code, required=True, choices=("joined", "left", "role")),
        "role": Item(
            ItemType.code, choices=("decision_maker", "influencer", "champion", "end_user")
        ),
    },
    "pulse.recorded": {
        "risk": Item(ItemType.code, required=True, choices=("low", "medium", "high")),
    },
    "subscription.changed": {
        "subscription": _REFERENCE,
        "change": Item(ItemType.code, required=True, choices=("bought", "changed", "ended")),
        "plan": Item(ItemType.code),
        "seats": _PEOPLE,
        "arr_cents": _CENTS,
        "currency": Item(ItemType.currency),
        "renews_on": Item(ItemType.date),
    },
}
"""Kinds that are taken in, named as `domain/playbook/fields.py` names them."""

OURS = frozenset({"health.scored", "owner.changed"})
"""Kinds that Holdfast makes itself; nobody sends them."""

TOGETHER: Mapping[str, str] = {"amount_cents": "currency", "arr_cents": "currency"}
"""Items that mean nothing without another one."""

LARGEST_OWN = 20
"""Items in the content of an organization's own kind, which begins with `custom.`."""


def family_of(kind: str) -> tuple[str, ...]:
    """The kinds whose facts make the same fields as one of this kind does."""
    about = kind.partition(".")[0]
    return tuple(name for name in KINDS if name.partition(".")[0] == about)
