"""Paired tests against hand computation, every permutation, scipy and simulations where nothing differs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench import intervals, significance
from crsbench.intervals import over_both
from crsbench.significance import holm, paired

numbers = st.floats(-100, 100, allow_nan=False)
clustered = st.lists(st.tuples(numbers, st.sampled_from("abcdefg")), min_size=1, max_size=40)


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
    assert found.p == pytest.approx(exact, abs=3 * math.sqrt(exact * (1 - exact) / significance.FLIPS) + 2e-4)


def test_equal_policies_do_not_differ() -> None:
    found = paired([0.3, 0.1], [0.3, 0.1], ["a", "b"])
    assert (found.value, found.low, found.high, found.p, found.p_bootstrap) == (0.0, 0.0, 0.0, 1.0, 1.0)
    assert found.effect is None


@pytest.mark.parametrize("tested", ["p", "p_bootstrap"])
def test_rejects_5_percent_of_true_nulls(tested: str, redial_sizes: list[int]) -> None:
    """Dialogues as long as ReDial's, differences alike within one; `tests/bench` has more."""
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(300):
        of = np.repeat(np.arange(30), rng.choice(redial_sizes, 30))
        noise = rng.normal(size=30)[of] + rng.normal(size=len(of))
        found = paired(np.zeros(len(of)).tolist(), noise.tolist(), of.astype(str).tolist())
        rejected += getattr(found, tested) <= 0.05
    assert 5 <= rejected <= 27  # binomial(300, .05): 99.8% within


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("differ", "apart"), [(3, False), (5, False), (6, True)])
def test_what_few_dialogues_say_is_not_apart_from_nothing(differ: int, apart: bool, sign: int) -> None:
    """Neither by the interval nor by the permutation test, whose least p of five is 2 · ½⁵."""
    values = [float(sign)] * differ + [0.0] * (60 - differ)
    found = paired([0.0] * 60, values, [str(i) for i in range(60)])
    assert found.low <= found.value <= found.high
    assert (found.low > 0 or found.high < 0) == apart == (found.p < 0.05)
    other = over_both([values, values], [str(i) for i in range(60)])
    assert (other.low > 0 or other.high < 0) == apart


@pytest.mark.parametrize("differ", [3, 5])
def test_few_that_differ_at_random_seldom_seem_to_differ(differ: int) -> None:
    rng = np.random.default_rng(differ)
    apart = 0
    for _ in range(200):
        values = np.where(rng.random(60) < differ / 60, rng.choice([-1.0, 1.0], 60), 0.0)
        found = paired([0.0] * 60, values.tolist(), [str(i) for i in range(60)])
        apart += found.low > 0 or found.high < 0
    assert apart <= 12  # 6%; without the rule it is 8 to 10%


def test_both_tests_find_what_differs() -> None:
    noise = np.random.default_rng(1).normal(loc=0.5, size=60)
    found = paired([0.0] * 60, noise.tolist(), [str(i) for i in range(60)])
    theirs = scipy.stats.ttest_1samp(noise, 0)
    assert found.p == pytest.approx(theirs.pvalue, abs=0.003)
    assert found.p_bootstrap == pytest.approx(theirs.pvalue, abs=0.005)
    assert found.effect == pytest.approx(noise.mean() / noise.std(ddof=1))


def test_bootstrap_test_by_hand() -> None:
    """Differences 1 and 3: both drawn have no deviation, one drawn twice has no spread, so p = 1/2."""
    found = paired([0.0, 0.0], [1.0, 3.0], ["a", "b"])
    assert found.p_bootstrap == pytest.approx(1 / 2, abs=0.04)
    assert found.effect == pytest.approx(2 / math.sqrt(2))


@pytest.mark.parametrize(("count", "least"), [(1, 1.0), (2, 0.5), (40, 1 / 2001)])
def test_what_does_not_vary_needs_several_dialogues(count: int, least: float) -> None:
    found = paired([0.0] * count, [0.1] * count, [str(i) for i in range(count)])
    assert found.p_bootstrap == pytest.approx(least, rel=1e-2)
    assert found.effect is None


def test_many_groups_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """More groups than fit one block of draws or signs give what one block gives."""
    values = np.random.default_rng(1).normal(size=700).tolist()
    groups = [str(i) for i in range(700)]
    one = paired([0.0] * 700, values, groups)
    monkeypatch.setattr(intervals, "FEW", 10)
    assert paired([0.0] * 700, values, groups) == one


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_nothing_to_pair() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired([1.0], [1.0, 2.0], ["a"])
