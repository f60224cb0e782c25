"""Statistics of a whole sample as values of its dialogues."""

import numpy as np
import pytest
from crsbench_metrics.whole import distinct, linearised, of_sample
from hypothesis import given
from hypothesis import strategies as st

from crsbench.intervals import bca
from crsbench.record import Measured
from crsbench.stats import score


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


def test_no_interval_of_coverage_passes_the_whole_catalogue():
    """60 dialogues show nearly all of 40 items: the linearised values pass 1, the interval does not."""
    rng = np.random.default_rng(2)
    count, without = distinct([rng.choice(40, 3).tolist() for _ in range(60)])
    found = of_sample("coverage", [str(g) for g in range(60)], count / 40, without / 40)
    assert bca(np.array(found.values), np.ones(60))[1] > 1
    scored = score(Measured("final", None, found))
    assert scored.low < scored.value < scored.high == 1
