"""Intervals and tests against hand computation, scipy and properties."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench import intervals
from crsbench.intervals import bootstrap, holm, over_seeds, paired

numbers = st.floats(-100, 100, allow_nan=False)
clustered = st.lists(st.tuples(numbers, st.sampled_from("abcdefg")), min_size=1, max_size=40)


def test_agrees_with_scipy_where_groups_are_single() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=300)
    found = bootstrap(values.tolist(), [str(i) for i in range(300)])
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", random_state=np.random.default_rng(0)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(theirs.low, abs=0.06 * width)
    assert found.high == pytest.approx(theirs.high, abs=0.06 * width)


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


@given(clustered, st.floats(-5, 5))
@settings(max_examples=30, deadline=None)
def test_a_difference_is_symmetric_and_shift_free(rows: list[tuple[float, str]], shift: float) -> None:
    values, groups = zip(*rows, strict=True)
    other = [value * 0.5 + 1 for value in values]
    one, back = paired(values, other, groups), paired(other, values, groups)
    assert one.value == pytest.approx(-back.value)
    assert one.p == back.p
    shifted = paired([v + shift for v in values], [v + shift for v in other], groups)
    assert shifted.value == pytest.approx(one.value, abs=1e-9)
    assert 0 < one.p <= 1


def test_flip_test_against_every_flip() -> None:
    differences = [3.0, -1.0, 2.0, 0.5, 1.5, -0.25, 2.5, 1.0]
    observed = abs(sum(differences))
    flips = list(itertools.product((-1, 1), repeat=len(differences)))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in flips]
    exact = sum(one >= observed - 1e-12 for one in sums) / len(flips)
    found = paired([0.0] * 8, differences, list("abcdefgh"))
    assert found.p == pytest.approx(exact, abs=3 * math.sqrt(exact * (1 - exact) / intervals.FLIPS) + 2e-4)


def test_equal_policies_do_not_differ() -> None:
    found = paired([0.3, 0.1], [0.3, 0.1], ["a", "b"])
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_rejects_5_percent_of_true_nulls() -> None:
    rng = np.random.default_rng(5)
    groups = [str(i // 3) for i in range(90)]
    rejected = 0
    for _ in range(200):
        noise = np.repeat(rng.normal(size=30), 3) + rng.normal(size=90)
        rejected += paired([0.0] * 90, noise.tolist(), groups).p <= 0.05
    assert 2 <= rejected <= 20  # binomial(200, .05): 99% within 3 … 19


def test_many_groups_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """More groups than fit one block of draws or signs give what one block gives."""
    values = np.random.default_rng(1).normal(size=700).tolist()
    groups = [str(i) for i in range(700)]
    one = paired([0.0] * 700, values, groups)
    monkeypatch.setattr(intervals, "FEW", 10)
    assert paired([0.0] * 700, values, groups) == one


def test_over_seeds_is_students_t() -> None:
    values = [0.4, 0.5, 0.7]
    theirs = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = over_seeds(values)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.n == 3
    assert math.isnan(over_seeds([1.0]).low)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_nothing_to_average() -> None:
    with pytest.raises(ValueError, match="nothing to average"):
        bootstrap([], [])
    with pytest.raises(ValueError, match="cannot be paired"):
        paired([1.0], [1.0, 2.0], ["a"])
