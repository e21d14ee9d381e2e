"""Bands and changes on their edges: seed 002's 50, 70, 85 and 15 points."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.health.bands import Band, Trend, band_of, change_of


@pytest.mark.parametrize(
    ("score", "band"),
    [
        ("0.0", Band.critical),
        ("49.9", Band.critical),
        ("50.0", Band.at_risk),
        ("69.9", Band.at_risk),
        ("70.0", Band.stable),
        ("84.9", Band.stable),
        ("85.0", Band.healthy),
        ("100.0", Band.healthy),
    ],
)
def test_a_band_begins_at_its_least_score(score: str, band: Band) -> None:
    assert band_of(Decimal(score)) is band


@pytest.mark.parametrize(
    ("month_ago", "score", "fell", "flagged"),
    [
        ("85.0", "70.0", False, False),  # exactly 15
        ("85.1", "70.0", True, True),  # 15.1
        ("70.0", "85.0", False, False),
        ("70.0", "85.1", False, True),
        ("70.0", "70.0", False, False),
    ],
)
def test_more_than_15_points_against_a_month_ago_are_flagged(
    month_ago: str, score: str, fell: bool, flagged: bool
) -> None:
    change = change_of(Decimal(score), Decimal(month_ago))
    assert change is not None
    assert change.points == Decimal(score) - Decimal(month_ago)
    assert (change.fell, change.flagged) == (fell, flagged)


@pytest.mark.parametrize(
    ("points", "trend"),
    [
        ("5.0", Trend.steady),
        ("5.1", Trend.rising),
        ("-5.0", Trend.steady),
        ("-5.1", Trend.falling),
    ],
)
def test_a_trend_is_more_than_5_points(points: str, trend: Trend) -> None:
    change = change_of(Decimal("50.0") + Decimal(points), Decimal("50.0"))
    assert change is not None
    assert change.trend is trend


def test_without_one_of_the_two_there_is_no_change() -> None:
    assert change_of(None, Decimal("80.0")) is None
    assert change_of(Decimal("60.0"), None) is None
