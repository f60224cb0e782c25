"""Agreement measures against scikit-learn and scipy, and their intervals by drawing dialogues one by one."""

import numpy as np
import pytest
from crsbench_metrics.agreement import recall_and_f1, slope, spearman
from scipy.stats import linregress, spearmanr
from sklearn.metrics import f1_score, recall_score

N = 240


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def groups(rng):
    return [str(g) for g in rng.integers(0, 40, N)]


def by_hand(statistic, groups, rng, times=1500):
    """The percentile interval of a statistic of row numbers, dialogues drawn with replacement."""
    names = sorted(set(groups))
    rows = {name: np.flatnonzero(np.array(groups) == name) for name in names}
    drawn = (np.concatenate([rows[name] for name in rng.choice(names, len(names))]) for _ in range(times))
    return np.quantile([statistic(some) for some in drawn], [0.025, 0.975])


def test_correlation_and_slope(rng, groups):
    true = rng.integers(1, 6, N).astype(float)  # ties
    said = true + rng.normal(0, 2, N).round()
    found = spearman(said, true, groups)
    assert found.value == pytest.approx(spearmanr(said, true)[0])
    low, high = by_hand(lambda some: spearmanr(said[some], true[some])[0], groups, rng)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert slope(said, true, groups).value == pytest.approx(linregress(said, true).slope)


def test_recall_and_f1(rng, groups):
    true = rng.choice([1, 2, 3, 4], N, p=[0.1, 0.2, 0.5, 0.2])
    said = np.where(rng.random(N) < 0.5, true, rng.integers(1, 6, N))
    recall, f1 = recall_and_f1(said, true, groups, low=3)
    labels = [1, 2, 3, 4]
    assert recall.value == pytest.approx(recall_score(true, said, labels=labels, average="macro"))
    assert f1.value == pytest.approx(f1_score(true < 3, said < 3))
    low, high = by_hand(lambda some: f1_score(true[some] < 3, said[some] < 3), groups, rng)
    assert (f1.low, f1.high) == pytest.approx((low, high), abs=0.03)
