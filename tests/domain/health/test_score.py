"""A score explains itself, and what is missing is never taken for zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given

from domain.health.bands import Band
from domain.health.model import Freshness, HealthModel
from domain.health.score import Lack, score
from domain.health.standard import standard_model
from domain.playbook.definition import Value
from tests.domain.health.models import (
    ROWS,
    by_age,
    by_number,
    by_table,
    health_models,
    model,
)

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def points(component_field: str, value: Value, *, by: str = "number") -> Decimal | None:
    made = {
        "number": by_number(component_field, 1, (-10, 0), (0, 80), (20, 100)),
        "age": by_age(component_field, 1, (0, 100), (14, 30), (30, 0)),
        "text": by_table(component_field, 1, {"low": 95, "high": 15}),
        "flag": by_table(component_field, 1, {True: 0, False: 100}),
    }[by]
    return score(model(made), {component_field: value}, None, NOW).score


class TestPoints:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [(-11, "0.0"), (-10, "0.0"), (-5, "40.0"), (0, "80.0"), (3.3, "83.3"), (21, "100.0")],
    )
    def test_of_a_number_run_straight_and_stay_at_the_ends(
        self, value: float, expected: str
    ) -> None:
        assert str(points("custom.a", value)) == expected

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("2026-11-22", "100.0"),
            ("2026-11-08", "30.0"),
            ("2026-11-08T23:00:00+00:00", "30.0"),  # days of the calendar, not of 24 hours
            ("2026-10-23", "0.0"),
            ("2026-12-24", "100.0"),
        ],
    )
    def test_of_a_date_follow_its_age_in_days(self, value: str, expected: str) -> None:
        assert str(points("custom.a", value, by="age")) == expected

    def test_of_a_date_are_the_same_in_any_time_zone(self) -> None:
        health = model(by_age("custom.a", 1, (0, 100), (10, 0)))
        fields: dict[str, Value] = {"custom.a": "2026-11-22"}
        there = NOW.astimezone(timezone(timedelta(hours=13)))
        assert there.date() != NOW.date()
        assert score(health, fields, None, there).score == Decimal("100.0")

    def test_of_words_and_flags_stand_in_the_table(self) -> None:
        assert points("custom.a", "low", by="text") == Decimal("95.0")
        assert points("custom.a", True, by="flag") == Decimal("0.0")
        assert points("custom.a", False, by="flag") == Decimal("100.0")

    @pytest.mark.parametrize(
        ("by", "value"),
        [
            ("number", "12"),
            ("number", True),
            ("number", float("nan")),
            ("number", float("inf")),
            ("number", 10**15 + 1),
            ("age", 12),
            ("age", "2026-02-30"),
            ("age", "soon"),
            ("age", "20261122"),
            ("text", "medium"),
            ("text", True),
            ("flag", 1),
            ("flag", "true"),
        ],
    )
    def test_of_a_wrong_or_impossible_value_are_no_data(self, by: str, value: Value) -> None:
        assert points("custom.a", value, by=by) is None


class TestMissing:
    def test_the_other_weights_take_its_place(self) -> None:
        health = model(by_number("custom.a", 1), by_number("custom.b", 3), by_number("custom.c", 6))
        found = score(health, {"custom.a": 100, "custom.b": 20}, None, NOW)
        assert found.score == Decimal("40.0")
        assert (found.known_weight, found.total_weight) == (4, 10)
        assert [(each.key, each.weight, each.lack) for each in found.missing] == [
            ("custom-c", 6, Lack.no_data)
        ]

    @pytest.mark.parametrize(("known", "expected"), [(39, None), (40, "50.0")])
    def test_too_little_known_is_no_score_and_not_zero(
        self, known: int, expected: str | None
    ) -> None:
        parts = by_number("custom.a", known), by_number("custom.b", 100 - known)
        found = score(model(*parts, least_known=40), {"custom.a": 50}, None, NOW)
        assert found.score == (None if expected is None else Decimal(expected))
        assert found.band is (None if expected is None else Band.at_risk)
        [known_part] = found.contributions
        assert known_part.points == Decimal("50.0")
        assert known_part.contribution == found.score

    def test_nothing_known_is_no_score(self) -> None:
        found = score(standard_model(), {}, None, NOW)
        assert (found.score, found.band, found.contributions) == (None, None, ())
        assert len(found.missing) == len(standard_model().components)

    def test_what_is_of_no_use_is_told_from_what_nobody_delivers(self) -> None:
        health = model(by_number("ticket.count_30d"), by_number("ticket.open"))
        unusable, no_data = score(health, {"ticket.count_30d": "many"}, None, NOW).missing
        assert (unusable.lack, no_data.lack) == (Lack.unusable, Lack.no_data)
        assert '"many"' in unusable.reason
        assert "ticket.open (open support tickets)" in no_data.reason

    def test_what_is_too_old_is_told_with_its_age(self) -> None:
        part = by_table("pulse.last", 1, {"high": 15})
        health = model(replace(part, fresh=Freshness("pulse.last_at", 120)))
        fields: dict[str, Value] = {"pulse.last": "high", "pulse.last_at": "2026-07-24"}
        [stale] = score(health, fields, None, NOW).missing
        assert stale.lack is Lack.stale
        assert "from 121 days ago, counts for 120" in stale.reason
        found = score(health, {**fields, "pulse.last_at": "2026-07-25"}, None, NOW)
        assert found.score == Decimal("15.0")


class TestExplanation:
    @given(health=health_models(), row=ROWS)
    def test_contributions_add_up_to_the_score(
        self, health: HealthModel, row: tuple[str | None, dict[str, Value]]
    ) -> None:
        segment, fields = row
        found = score(health, fields, segment, NOW)
        parts = [each.contribution for each in found.contributions]
        if found.score is None:
            assert set(parts) <= {None}
            return
        assert sum(part for part in parts if part is not None) == found.score
        for each in found.contributions:
            assert each.contribution is not None
            own = each.points * each.weight / found.known_weight
            assert abs(each.contribution - own) < Decimal("0.1")

    def test_three_thirds_are_shown_as_a_whole(self) -> None:
        health = model(*(by_number(f"custom.{name}") for name in "abc"))
        found = score(health, dict.fromkeys(health.reads(), 100), None, NOW)
        assert [str(each.contribution) for each in found.contributions] == ["33.4", "33.3", "33.3"]

    def test_a_reason_has_the_number_in_words(self) -> None:
        fields: dict[str, Value] = {"usage.last_active_at": "2026-11-10", "pulse.last": "high"}
        told = {each.key: each for each in score(standard_model(), fields, None, NOW).contributions}
        assert told["usage-recency"].reason == "last used 12 days ago: 44.3 of 100 points."
        assert told["pulse"].reason == 'a person judged the risk "high": 15.0 of 100 points.'


class TestPulse:
    def test_a_manual_pulse_counts(self) -> None:
        fields: dict[str, Value] = dict.fromkeys(standard_model().reads(), 0)
        fields = {**fields, "usage.change_30d": 20, "usage.seat_ratio": 90, "nps.last_score": 10}
        low, high = (
            score(standard_model(), {**fields, "pulse.last": risk}, None, NOW).score
            for risk in ("low", "high")
        )
        assert low is not None and high is not None
        assert low - high > 5


class TestSegments:
    def test_a_segment_has_weights_of_its_own_and_none_is_not_missing(self) -> None:
        health = model(
            by_number("custom.a", 1),
            by_number("custom.b", 1),
            by_number("custom.c", 2),
            growth={"custom-a": 3, "custom-c": 0},
        )
        fields: dict[str, Value] = {"custom.a": 100, "custom.b": 0}
        assert score(health, fields, None, NOW).score == Decimal("50.0")
        assert score(health, fields, "unheard-of", NOW).score == Decimal("50.0")
        growth = score(health, fields, "growth", NOW)
        assert (growth.score, growth.missing) == (Decimal("75.0"), ())
