"""The four segments of seed 000, on their numbers and beside them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.conditions import truth
from domain.playbook.definition import Subject, Value
from playbooks.segments.shipped import shipped_segments

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def segments_of(**fields: Value) -> set[str]:
    """The keys of those that a customer with these fields is in; "_" stands for the point."""
    known = {name.replace("_", ".", 1): value for name, value in fields.items()}
    known.setdefault("account.stage", "customer")
    return {
        key
        for key, segment in shipped_segments().items()
        if truth(segment.condition, known, {}, NOW)
    }


def test_the_four_of_seed_000_each_with_a_touch_frequency() -> None:
    assert {key: each.touch_days for key, each in shipped_segments().items()} == {
        "high-value": 14,  # our choice
        "growth": 30,  # seed 000, Morning Account Review
        "stable": 60,  # our choice
        "at-risk": 7,  # seed 002, Intervention Phase 5: weekly check-ins
    }
    for segment in shipped_segments().values():
        assert segment.subject is Subject.account
        assert "seed 000" in segment.source


@pytest.mark.parametrize(
    ("source", "fields", "expected"),
    [
        ("seed 002, below 70", {"health_score": 69.9}, {"at-risk"}),
        ("seed 002, below 70", {"health_score": 70}, {"stable"}),
        ("seed 002, below 50 is at risk all the more", {"health_score": 49}, {"at-risk"}),
        ("seed 002, healthy accounts need check-ins too", {"health_score": 85}, {"stable"}),
        ("our choice", {"account_arr": 49_999.99}, set()),
        ("our choice", {"account_arr": 50_000}, {"high-value"}),
        ("seed 000", {"account_tier": "high_value"}, {"high-value"}),
        ("seed 000", {"account_tier": "growth"}, {"growth"}),
        ("seed 002, 80 % for two months", {"usage_months_at_80": 1}, set()),
        ("seed 002, 80 % for two months", {"usage_months_at_80": 2}, {"growth"}),
        ("seed 002, 85 % of capacity", {"usage_limit_ratio": 84.9}, set()),
        ("seed 002, 85 % of capacity", {"usage_limit_ratio": 85}, {"growth"}),
        ("seed 002, premium requests", {"request_premium_open": 1}, {"growth"}),
        ("seed 002, seat growth", {"seats_change_90d": 0}, set()),
        ("seed 002, seat growth", {"seats_change_90d": 1}, {"growth"}),
        ("they overlap", {"health_score": 60, "account_arr": 90_000}, {"at-risk", "high-value"}),
        ("nothing is known", {}, set()),
        ("no customer any more", {"account_stage": "churned", "health_score": 60}, set()),
    ],
)
def test_who_is_in_them(source: str, fields: dict[str, Value], expected: set[str]) -> None:
    assert segments_of(**fields) == expected, source
