"""Statistics of a whole sample as values of its dialogues."""

import numpy as np
import pytest
from crsbench_metrics.whole import distinct, linearised
from hypothesis import given
from hypothesis import strategies as st

from crsbench.intervals import bca


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=6))
def test_distinct_without_each(things):
    count, without = distinct(things)
    assert count == len({one for some in things for one in some})
    for g in range(len(things)):
        rest = things[:g] + things[g + 1 :]
        assert without[g] == len({one for some in rest for one in some})


def test_the_mean_is_the_statistic_and_the_spread_the_jackknifes():
    values = np.random.default_rng(0).normal(size=50)
    without = (values.sum() - values) / 49
    found = linearised(values.mean(), without)
    assert found == pytest.approx(values)  # a mean is its own linearisation
    assert linearised(0.7, np.array([0.7])).tolist() == [0.7]


def test_intervals_of_coverage_hold_its_expectation():
    """60 dialogues show three items each, of 200 with unequal chances: intervals of the share shown."""
    rng = np.random.default_rng(1)
    chances = 1 / np.arange(1, 201)
    chances /= chances.sum()

    def sample():
        return [rng.choice(200, 3, p=chances).tolist() for _ in range(60)]

    truth = np.mean([distinct(sample())[0] / 200 for _ in range(1500)])
    covered = 0
    for _ in range(200):
        count, without = distinct(sample())
        low, high = bca(linearised(count / 200, without / 200), np.ones(60))
        covered += low <= truth <= high
    assert covered >= 184  # not below what 95% gives (binomial, 98%); the jackknife errs on the wide side
