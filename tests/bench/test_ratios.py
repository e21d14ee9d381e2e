"""The bench's arithmetic, against values worked out by hand and known distributions."""

from __future__ import annotations

import random
import statistics

import pytest

from bench.ratios import percentile, ratio, turns


class TestPercentile:
    def test_takes_a_value_that_was_measured(self) -> None:
        values = [float(n) for n in range(1, 101)]
        random.Random(3).shuffle(values)
        assert percentile(values, 0.5) == 50
        assert percentile(values, 0.99) == 99
        assert percentile(values, 1) == 100

    def test_of_few_values_is_the_worst_for_a_high_share(self) -> None:
        assert percentile([3.0, 1.0, 2.0], 0.99) == 3
        assert percentile([7.0], 0.5) == 7

    @pytest.mark.parametrize("share", [0.0, 1.5])
    def test_refuses_shares_that_mean_nothing(self, share: float) -> None:
        with pytest.raises(ValueError):
            percentile([1.0], share)

    def test_refuses_no_values(self) -> None:
        with pytest.raises(ValueError):
            percentile([], 0.5)


class TestRatio:
    def test_is_the_median_of_paired_ratios_not_the_ratio_of_medians(self) -> None:
        found = ratio([1.0, 10.0, 3.0], [2.0, 5.0, 10.0])
        assert found.median == 0.5  # of 0.5, 2 and 0.3; the medians alone would give 0.6

    def test_of_equal_pairs_has_no_width(self) -> None:
        found = ratio([2.0, 4.0, 6.0], [4.0, 8.0, 12.0])
        assert (found.low, found.median, found.high) == (0.5, 0.5, 0.5)

    def test_interval_of_few_rounds_spans_them_all(self) -> None:
        found = ratio([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
        assert (found.low, found.high) == (1.0, 3.0)

    def test_interval_covers_the_truth_about_as_often_as_it_says(self) -> None:
        chance = random.Random(11)
        covered = 0
        for trial in range(100):
            bare = [1.0] * 15
            ours = [chance.lognormvariate(0, 0.3) for _ in bare]
            found = ratio(ours, bare, seed=trial)
            covered += found.low <= 1.0 <= found.high
        assert 85 <= covered <= 100

    def test_interval_narrows_with_rounds(self) -> None:
        chance = random.Random(5)
        widths = []
        for rounds in (7, 70):
            made = [
                ratio([chance.lognormvariate(0, 0.3) for _ in range(rounds)], [1.0] * rounds)
                for _ in range(10)
            ]
            widths.append(statistics.mean(one.high - one.low for one in made))
        assert widths[1] < widths[0] / 2

    def test_refuses_arms_of_different_length(self) -> None:
        with pytest.raises(ValueError):
            ratio([1.0], [1.0, 2.0])


def test_turns_give_each_arm_the_first_place_as_often() -> None:
    order = [arm for turn in turns(4) for arm in turn]
    assert order == ["ours", "bare", "bare", "ours", "ours", "bare", "bare", "ours"]
