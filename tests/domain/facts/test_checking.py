"""Facts that cannot be true are refused by name, and what is taken has one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Invalid
from domain.facts.checking import Observed, check
from domain.facts.kinds import KINDS, OURS
from domain.playbook.fields import FACTS

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def code_of(observed: Observed) -> tuple[str, object]:
    with pytest.raises(Invalid) as refused:
        check(observed, NOW)
    return refused.value.code, refused.value.details.get("item")


@pytest.mark.parametrize(
    ("kind", "content", "code", "item"),
    [
        ("usage.recorded", {"active_users": -1}, "out_of_range", "active_users"),
        ("usage.recorded", {"active_users": 1.5}, "wrong_unit", "active_users"),
        ("usage.recorded", {"active_users": "12"}, "wrong_type", "active_users"),
        ("usage.recorded", {"active_users": True}, "wrong_type", "active_users"),
        ("usage.recorded", {"limit_ratio": 1000.5}, "out_of_range", "limit_ratio"),
        ("usage.recorded", {"limit_ratio": 0.85}, "wrong_unit", "limit_ratio"),
        ("usage.recorded", {"limit_ratio": float("nan")}, "out_of_range", "limit_ratio"),
        ("usage.recorded", {"limit_ratio": "85 %"}, "wrong_type", "limit_ratio"),
        ("usage.recorded", {"logins": 3}, "content_unknown", "logins"),
        ("usage.recorded", {}, "content_missing", "active_users"),
        ("ticket.opened", {"priority": "high"}, "content_missing", "ticket"),
        ("ticket.opened", {"ticket": "T 1"}, "unknown_code", "ticket"),
        ("ticket.opened", {"ticket": "T-1", "priority": "P1"}, "unknown_code", "priority"),
        ("ticket.resolved", {"ticket": "T-1", "satisfaction": 6}, "out_of_range", "satisfaction"),
        ("survey.response", {"survey": "nps", "score": 11}, "out_of_range", "score"),
        ("survey.response", {"survey": "nps", "score": -1}, "out_of_range", "score"),
        ("survey.response", {"survey": "nps", "score": None}, "content_missing", "score"),
        ("survey.response", {"survey": "How was it?", "score": 1}, "unknown_code", "survey"),
        ("invoice.failed", {"invoice": "I", "amount_cents": 12.5}, "wrong_unit", "amount_cents"),
        ("invoice.failed", {"invoice": "I", "amount_cents": 1250}, "content_missing", "currency"),
        ("invoice.failed", {"invoice": "I", "currency": "€"}, "unknown_code", "currency"),
        ("invoice.issued", {"invoice": "I", "due_at": "2026-12-01"}, "wrong_type", "due_at"),
        ("invoice.issued", {"invoice": "I", "due_at": 1764547200}, "wrong_type", "due_at"),
        ("touch.call", {"direction": "sideways"}, "unknown_code", "direction"),
        ("touch.call", {"two_way": "yes"}, "wrong_type", "two_way"),
        ("milestone.planned", {"milestone": "go-live"}, "content_missing", "due_at"),
        ("stage.changed", {"stage": "Gone for good"}, "unknown_code", "stage"),
        ("contact.changed", {"change": "married"}, "unknown_code", "change"),
        ("pulse.recorded", {"risk": "severe"}, "unknown_code", "risk"),
        ("subscription.changed", {"change": "bought"}, "content_missing", "subscription"),
        ("custom.quiz", {"answer": "a whole sentence, told"}, "wrong_type", "answer"),
        ("custom.quiz", {"Answer": 1}, "content_unknown", "Answer"),
        ("custom.quiz", {f"n{n}": n for n in range(21)}, "content_unknown", ""),
    ],
)
def test_what_cannot_be(kind: str, content: dict[str, object], code: str, item: str) -> None:
    assert code_of(Observed(kind, NOW, content)) == (code, item)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ticket.exploded", "unknown_kind"),
        ("custom.", "unknown_kind"),
        ("custom.Quiz Night", "unknown_kind"),
        ("health.scored", "kind_not_taken"),
    ],
)
def test_kinds_that_are_not_taken(kind: str, code: str) -> None:
    assert code_of(Observed(kind, NOW, {}))[0] == code


class TestInstants:
    def test_five_minutes_ahead_is_another_clock(self) -> None:
        ahead = NOW + timedelta(minutes=5)
        assert check(Observed("touch.call", ahead, {}), NOW) == {}
        assert code_of(Observed("touch.call", ahead + SECOND, {}))[0] == "happened_in_future"

    def test_a_zero_of_another_calendar(self) -> None:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        assert code_of(Observed("touch.call", epoch, {}))[0] == "happened_too_early"

    def test_known_not_before_it_happened_nor_later_than_now(self) -> None:
        assert check(Observed("touch.call", NOW, {}, NOW), NOW) == {}
        early = Observed("touch.call", NOW, {}, NOW - SECOND)
        assert code_of(early)[0] == "known_before_happened"
        late = Observed("touch.call", NOW, {}, NOW + timedelta(minutes=6))
        assert code_of(late)[0] == "known_in_future"


def test_what_is_taken_has_one_form() -> None:
    content = {"invoice": "I-1", "due_at": "2026-12-01T01:00:00+01:00", "amount_cents": 5.0}
    assert check(Observed("invoice.issued", NOW, {**content, "currency": "EUR"}), NOW) == {
        "invoice": "I-1",
        "due_at": "2026-12-01T00:00:00+00:00",
        "amount_cents": 5,
        "currency": "EUR",
    }


@pytest.mark.parametrize("value", [0, 1, 80, 85.5, 1000])
def test_per_cent_within_its_bounds(value: float) -> None:
    taken = check(Observed("usage.recorded", NOW, {"limit_ratio": value}), NOW)
    assert taken == {"limit_ratio": value}


def test_every_kind_that_playbooks_know_is_taken_or_ours() -> None:
    assert set(KINDS) | OURS == set(FACTS)
