"""Figures of one run: percentiles, and ratios of two arms with a bootstrap interval. Pure."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2_000
COVERED = 0.95
"""The share of resampled medians that an interval holds; both are our own choices."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios of paired rounds, and its bootstrap interval."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile needs values and a share above 0, at most 1")
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 1_000_000) // 1_000_000))
    return ordered[rank - 1]


def ratio(ours: Sequence[float], bare: Sequence[float], *, seed: int = 1) -> Ratio:
    """How ours compares with bare, round by round: each pair ran side by side.

    The interval resamples the pairs; with few rounds it spans about all of them, and says so.
    """
    if len(ours) != len(bare) or not ours:
        raise ValueError("both arms need the same number of rounds, at least one")
    pairs = [a / b for a, b in zip(ours, bare, strict=True)]
    chance = random.Random(seed)
    medians = sorted(
        statistics.median(chance.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES)
    )
    outside = (1 - COVERED) / 2
    return Ratio(
        statistics.median(pairs),
        percentile(medians, outside),
        percentile(medians, 1 - outside),
    )


def turns(rounds: int) -> list[tuple[str, str]]:
    """Which arm goes first in each round: ABBA, so that a drift of the machine hits both."""
    return [("ours", "bare") if index % 2 == 0 else ("bare", "ours") for index in range(rounds)]
