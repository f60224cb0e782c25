"""Intervals against hand computation, scipy, simulations and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench import intervals
from crsbench.intervals import bootstrap, over_both, over_seeds

numbers = st.floats(-100, 100, allow_nan=False)
clustered = st.lists(st.tuples(numbers, st.sampled_from("abcdefg")), min_size=1, max_size=40)


@pytest.mark.parametrize(("count", "shape"), [(8, 1e6), (40, 0.5), (300, 0.5)])
def test_agrees_with_scipy_where_groups_are_single(count: int, shape: float) -> None:
    """Of few groups the level is the one that turns a normal quantile into √(G/(G−1)) times Student's."""
    values = np.random.default_rng(3).gamma(shape, size=count) / shape
    found = bootstrap(values.tolist(), [str(i) for i in range(count)])
    z = math.sqrt(count / (count - 1)) * scipy.stats.t.ppf(0.975, count - 1)
    theirs = scipy.stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=1 - 2 * scipy.stats.norm.sf(z),
        n_resamples=20_000,
        method="BCa",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    slack = 0.05 * (theirs.high - theirs.low)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=slack)


@pytest.mark.parametrize(("count", "rate"), [(25, 0.3), (200, 0.05)])
def test_covers_95_percent(count: int, rate: float, redial_sizes: list[int]) -> None:
    """Hits in dialogues as long as ReDial's, more alike within one than between; `tests/bench` has more."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        sizes = rng.choice(redial_sizes, count)
        sums = rng.binomial(sizes, rng.beta(rate * 5, (1 - rate) * 5, count)).astype(float)
        low, high = intervals.bca(sums, sizes.astype(float))
        covered += low <= rate <= high
    assert 366 <= covered <= 392  # binomial(400, .95): 99.8% within 366 … 392


def test_groups_are_drawn_whole() -> None:
    """40 groups of 25 equal values are 40 observations and not 1,000."""
    by_group = np.random.default_rng(0).normal(size=40)
    values = np.repeat(by_group, 25).tolist()
    groups = [str(i) for i in range(40) for _ in range(25)]
    whole, alone = bootstrap(values, groups), bootstrap(by_group.tolist(), [str(i) for i in range(40)])
    assert (whole.low, whole.high) == pytest.approx((alone.low, alone.high))
    assert whole.n == 1000


def test_all_resamples_of_two_groups() -> None:
    """Groups [1, 1, 1] and [0]: a resample is 1 (p = ¼), 0 (¼) or ¾ (½)."""
    found = bootstrap([1, 1, 1, 0], ["a", "a", "a", "b"])
    assert (found.value, found.low, found.high, found.n) == (0.75, 0.0, 1.0, 4)


@given(clustered)
@settings(max_examples=60, deadline=None)
def test_interval_holds_the_mean_of_its_range(rows: list[tuple[float, str]]) -> None:
    values, groups = zip(*rows, strict=True)
    found = bootstrap(values, groups)
    slack = 1e-9
    assert min(values) - slack <= found.low <= found.high <= max(values) + slack
    assert found.value == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert found == bootstrap(values, groups)


@given(clustered, st.permutations(list("abcdefg")))
@settings(max_examples=30, deadline=None)
def test_names_of_groups_do_not_matter(rows: list[tuple[float, str]], names: list[str]) -> None:
    values, groups = zip(*rows, strict=True)
    renamed = dict(zip("abcdefg", names, strict=True))
    assert bootstrap(values, groups) == bootstrap(values, [renamed[group] for group in groups])


def test_over_seeds_is_students_t() -> None:
    values = [0.4, 0.5, 0.7]
    theirs = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = over_seeds(values)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.n == 3
    assert math.isnan(over_seeds([1.0]).low)


def test_over_both_is_the_bootstrap_where_seeds_agree() -> None:
    values = np.random.default_rng(2).normal(size=60).tolist()
    groups = [str(i // 2) for i in range(60)]
    assert over_both([values] * 3, groups) == bootstrap(values, groups)


def test_over_both_is_students_t_where_dialogues_agree() -> None:
    """Dialogues alike: three seeds are all that varies."""
    found, theirs = (
        over_both([[0.4] * 9, [0.5] * 9, [0.7] * 9], list("abcdefghi")),
        over_seeds([0.4, 0.5, 0.7]),
    )
    assert (found.value, found.low, found.high) == pytest.approx((theirs.value, theirs.low, theirs.high))
    alone = over_both([[0.4], [0.5], [0.7]], ["a"])  # whose difference may be chance
    half = theirs.high - theirs.value
    low = theirs.value - np.hypot(theirs.value, half)
    assert (alone.low, alone.high) == pytest.approx((low, theirs.high))
    with pytest.raises(ValueError, match="one seed"):
        over_both([[0.4, 0.5]], ["a", "b"])


def test_over_both_covers_other_seeds() -> None:
    rng = np.random.default_rng(8)
    groups = [str(i // 2) for i in range(80)]
    covered = narrow = 0
    for _ in range(300):
        dialogues = np.repeat(rng.normal(size=40), 2)
        runs = [dialogues + rng.normal(scale=0.3) + rng.normal(size=80) for _ in range(3)]
        both, one = over_both(runs, groups), bootstrap(np.mean(runs, axis=0).tolist(), groups)
        covered += both.low <= 0 <= both.high
        narrow += one.low <= 0 <= one.high
    assert 273 <= covered <= 297  # binomial(300, .95): 99.8% within
    assert narrow < 273


def test_nothing_to_average() -> None:
    with pytest.raises(ValueError, match="nothing to average"):
        bootstrap([], [])
