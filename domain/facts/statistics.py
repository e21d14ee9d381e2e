"""The fields of an account that follow from its facts, as they were known at an instant.

Each family of facts makes its own fields and reads no other, so that a batch about tickets need
not read usage. A family without facts makes no field: no data is never scored as zero. Days are
24 hours, months are calendar months in UTC, windows of N days reach back from `as_of` and begin
after its instant N days ago, so that two windows in a row share nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median

from domain.conditions import instant_of
from domain.facts.fact import Fact, in_order
from domain.facts.usage import usage_fields
from domain.playbook.definition import Value

Fields = dict[str, Value]

RESPONSIVE_DAYS = 30
"""A two-way touch in 30 days: `domain/playbook/fields.py`, account.responsive."""

TICKET_DAYS = 30
"""PLAYBOOKS.md A, education: tickets in 30 days."""

QUARTER_DAYS = 90
"""`domain/playbook/fields.py`: ticket.resolution_hours, touch.count_90d, touch.response_rate."""

_DONE = frozenset({"resolved", "closed"})
_URGENT = frozenset({"urgent", "critical"})  # PLAYBOOKS.md A, critical-alert: urgent or critical


def fields_of(facts: Iterable[Fact], as_of: datetime) -> Fields:
    """The fields that the facts make, from what was known by `as_of`, corrections applied.

    Facts may come in any order. `as_of` is aware; instants in the answer are ISO texts in UTC.
    """
    families: dict[str, list[Fact]] = {}
    for fact in in_order(facts, as_of):
        families.setdefault(fact.family, []).append(fact)
    fields: Fields = {}
    for family, makes in _FAMILIES.items():
        if family in families:
            fields |= makes(families[family], as_of)
    return fields


def days_since(at: datetime, as_of: datetime) -> int:
    """Whole days of 24 hours that have passed; 0 where it is ahead."""
    return max(0, (as_of - at) // timedelta(days=1))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _latest(facts: Iterable[Fact], key: str) -> dict[str, dict[str, Value]]:
    """By the thing they are about: the last kind of fact, and of each item the last that was said.

    A later fact that leaves an item out leaves it as it was.
    """
    things: dict[str, dict[str, Value]] = {}
    for fact in facts:
        thing = things.setdefault(str(fact.content.get(key)), {})
        thing |= fact.content
        thing["kind"] = fact.kind
    return things


def _ticket_fields(facts: list[Fact], as_of: datetime) -> Fields:
    """A ticket is open until it is resolved or its status says so; an update that says no status,
    as one that brings the customer's rating, opens nothing again.

    Opened in 30 days: counted by ticket, by its first opening. Hours to resolve: from there to the
    last resolution, the median of the tickets that were resolved in 90 days and stay so.
    """
    tickets = _latest(facts, "ticket")
    is_open: dict[str, bool] = {}
    opened: dict[str, datetime] = {}
    resolved: dict[str, datetime] = {}
    for fact in facts:
        ticket = str(fact.content["ticket"])
        status = fact.content.get("status")
        if fact.kind == "ticket.opened":
            opened.setdefault(ticket, fact.happened_at)
        if fact.kind == "ticket.resolved":
            is_open[ticket] = False
            resolved[ticket] = fact.happened_at
        elif status is not None:
            is_open[ticket] = status not in _DONE
        elif fact.kind == "ticket.opened":
            is_open[ticket] = True
        else:
            is_open.setdefault(ticket, True)
    left = [tickets[ticket] for ticket, still in is_open.items() if still]
    since = as_of - timedelta(days=TICKET_DAYS)
    fields: Fields = {
        "ticket.open": len(left),
        "ticket.urgent_open": sum(one.get("priority") in _URGENT for one in left),
        "ticket.frustrated_open": sum(one.get("sentiment") == "frustrated" for one in left),
        "ticket.count_30d": sum(at > since for at in opened.values()),
    }
    hours = [
        (at - opened[ticket]) / timedelta(hours=1)
        for ticket, at in resolved.items()
        if ticket in opened and not is_open[ticket] and at > as_of - timedelta(days=QUARTER_DAYS)
    ]
    if hours:
        fields["ticket.resolution_hours"] = round(median(hours), 1)
    return fields


def _touch_fields(facts: list[Fact], as_of: datetime) -> Fields:
    """Responsive as long as the last two-way touch is not older than 30 days."""
    fields: Fields = {"touch.last_at": _text(facts[-1].happened_at), "account.responsive": False}
    answered = [fact.happened_at for fact in facts if two_way(fact)]
    if answered:
        fields["touch.last_two_way_at"] = _text(answered[-1])
        fields["account.responsive"] = as_of - answered[-1] <= timedelta(days=RESPONSIVE_DAYS)
    recent = [fact for fact in facts if fact.happened_at > as_of - timedelta(days=QUARTER_DAYS)]
    return fields | {"touch.count_90d": len(recent)} | _response_rate(recent)


def _response_rate(touches: list[Fact]) -> Fields:
    """Per cent of the touches that we began which were answered; no data where we began none.

    A reply answers one mail, or stands for a mail of ours and its answer where there is none left.
    """
    ours = [fact for fact in touches if fact.content.get("direction") != "inbound"]
    replies = sum(fact.kind == "touch.reply" for fact in touches)
    mails = [fact for fact in ours if fact.kind == "touch.mail"]
    calls = [fact for fact in ours if fact.kind not in ("touch.mail", "touch.reply")]
    replies += sum(two_way(fact) for fact in mails)
    began = len(calls) + max(len(mails), replies)
    if not began:
        return {}
    answered = sum(two_way(fact) for fact in calls) + replies
    return {"touch.response_rate": round(answered * 100 / began, 1)}


def two_way(touch: Fact) -> bool:
    """Whether the customer took part: as the fact says, else by its kind.

    A reply always is; a call or meeting is unless stated; a mail only where it came in.
    """
    said = touch.content.get("two_way")
    if touch.kind == "touch.reply":
        return True
    if isinstance(said, bool):
        return said
    return touch.kind != "touch.mail" or touch.content.get("direction") == "inbound"


def _survey_fields(facts: list[Fact], as_of: datetime) -> Fields:
    """Answers to surveys whose code begins with "nps", of whichever contact."""
    answers = [
        (fact.happened_at, score)
        for fact in facts
        if fact.kind == "survey.response"
        and str(fact.content["survey"]).startswith("nps")
        and isinstance(score := fact.content["score"], int)
    ]
    if not answers:
        return {}
    at, last = answers[-1]
    fields: Fields = {"nps.last_score": last, "nps.last_at": _text(at)}
    if len(answers) > 1:
        fields["nps.change"] = last - answers[-2][1]
    return fields


def _invoice_fields(facts: list[Fact], as_of: datetime) -> Fields:
    """An issue is open while the last word on an invoice is a failure or a dispute.

    Overdue: whole days past the due date of the oldest unpaid one; without a due date of an
    unpaid one there is no data, unless another is overdue.
    """
    invoices = _latest(facts, "invoice").values()
    unpaid = [one for one in invoices if one["kind"] != "invoice.paid"]
    fields: Fields = {
        "billing.issue_open": any(
            one["kind"] in ("invoice.failed", "invoice.disputed") for one in unpaid
        )
    }
    days = [_overdue(one, as_of) for one in unpaid]
    known = [one for one in days if one is not None]
    if len(known) == len(days) or any(known):
        fields["billing.overdue_days"] = max(known, default=0)
    return fields


def _milestone_fields(facts: list[Fact], as_of: datetime) -> Fields:
    """The longest that a milestone with a date is past it and not reached; 0 where none is."""
    milestones = _latest(facts, "milestone").values()
    late = [_overdue(one, as_of) for one in milestones if one["kind"] != "milestone.reached"]
    known = [days for days in late if days is not None]
    return {"milestone.late_days": max(known, default=0)} if len(known) == len(late) else {}


def _overdue(thing: Mapping[str, Value], as_of: datetime) -> int | None:
    due = instant_of(thing.get("due_at"))
    return None if due is None else days_since(due, as_of)


def _stage_fields(facts: list[Fact], as_of: datetime) -> Fields:
    return {"account.stage": facts[-1].content["stage"]}


def _feature_fields(facts: list[Fact], as_of: datetime) -> Fields:
    """Features, each counted once, whose last word is an open request for a higher plan."""
    wanted = _latest(facts, "feature").values()
    return {
        "request.premium_open": sum(
            one.get("premium") is True and one.get("status", "open") == "open" for one in wanted
        )
    }


def _pulse_fields(facts: list[Fact], as_of: datetime) -> Fields:
    last = facts[-1]
    return {"pulse.last": last.content["risk"], "pulse.last_at": _text(last.happened_at)}


_FAMILIES: Mapping[str, Callable[[list[Fact], datetime], Fields]] = {
    "ticket": _ticket_fields,
    "touch": _touch_fields,
    "survey": _survey_fields,
    "invoice": _invoice_fields,
    "usage": usage_fields,
    "milestone": _milestone_fields,
    "stage": _stage_fields,
    "feature": _feature_fields,
    "pulse": _pulse_fields,
}
