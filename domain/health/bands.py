"""Bands of the health score, and its change against a month ago.

Bands are DESIGN.md's ("Words"), fed by seed 002 (at risk below 70, critical below 50, healthy
from 85); the change of more than 15 points is seed 002's ("Monthly Health Monitoring", week 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Band(StrEnum):
    """critical: score < 50; at_risk: 50 ≤ score < 70; stable: 70 ≤ score < 85; healthy: ≥ 85."""

    critical = "critical"
    at_risk = "at_risk"
    stable = "stable"
    healthy = "healthy"


LEAST: tuple[tuple[int, Band], ...] = (
    (85, Band.healthy),
    (70, Band.stable),
    (50, Band.at_risk),
)
"""The least score of each band, the highest first; below all of them is critical."""

FLAGGED_POINTS = 15  # seed 002, Week 1: changes of more than 15 points
TREND_POINTS = 5  # our choice: what a score wanders without anything having happened
MONTH_DAYS = 30  # our choice: "a month ago" is 30 days, as in the field health.change_30d


class Trend(StrEnum):
    rising = "rising"
    steady = "steady"
    falling = "falling"


@dataclass(frozen=True, slots=True)
class Change:
    """Points against a month ago. `fell`: more than 15 down; `flagged`: more than 15 either way."""

    points: Decimal
    fell: bool
    flagged: bool
    trend: Trend


def band_of(score: Decimal) -> Band:
    """The band of a score, which is rounded to one decimal before: 69.9 is at risk, 70.0 stable."""
    return next((band for least, band in LEAST if score >= least), Band.critical)


def change_of(score: Decimal | None, month_ago: Decimal | None) -> Change | None:
    """The change, None where one of the two is no data. A fall of 15.0 is not flagged, 15.1 is."""
    if score is None or month_ago is None:
        return None
    points = score - month_ago
    return Change(points, -points > FLAGGED_POINTS, abs(points) > FLAGGED_POINTS, trend_of(points))


def trend_of(points: Decimal) -> Trend:
    """Rising or falling by more than 5 points, else steady."""
    if points > TREND_POINTS:
        return Trend.rising
    return Trend.falling if points < -TREND_POINTS else Trend.steady
