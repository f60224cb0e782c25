"""Every formula by hand, and against scikit-learn on random cases with ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from crsbench.evidence import scores
from crsbench.intervals import resamples

LIKED = np.array([True, False, True, False])
VALUES = np.array([0.9, 0.5, 0.5, 0.1])
EACH = ["a", "b", "c", "d"]


def drawn(statistic: scores.Estimate, groups: int) -> np.ndarray:
    """How often each resample drew each group, for the resamples of an estimate."""
    counts = np.concatenate(list(resamples(groups)))
    assert len(counts) == len(statistic.resampled)
    return counts


def test_auc_by_hand() -> None:
    auc, _ = scores.discrimination(VALUES, LIKED, EACH)
    # of four pairs three are in order and one is a tie
    assert (auc.value, auc.n) == (3.5 / 4, 4)


def test_average_precision_by_hand() -> None:
    _, precision = scores.discrimination(VALUES, LIKED, EACH)
    # from the top: precision 1 up to recall ½, then a tie of one of each: precision 2/3 up to recall 1
    assert precision.value == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_brier_by_hand() -> None:
    found = scores.brier(VALUES, LIKED, EACH)
    assert found.value == pytest.approx((0.01 + 0.25 + 0.25 + 0.01) / 4)
    assert found.value == pytest.approx(metrics.brier_score_loss(LIKED, VALUES))


def test_calibration_error_by_hand() -> None:
    probability = np.array([0.05, 0.09, 0.95, 1.0, 0.55])
    liked = np.array([False, True, True, True, False])
    # bins [0, .1): mean .07, share ½; [.5, .6): .55, 0; [.9, 1]: .975, 1
    expected = (2 * 0.43 + 1 * 0.55 + 2 * 0.025) / 5
    assert scores.calibration_error(probability, liked, list("abcde")).value == pytest.approx(expected)
    assert scores.reliability(probability, liked) == (
        scores.Bin(pytest.approx(0.07), 0.5, 2),
        scores.Bin(0.55, 0.0, 1),
        scores.Bin(0.975, 1.0, 2),
    )


def test_roc_goes_from_corner_to_corner() -> None:
    false, true = scores.roc(VALUES, LIKED)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("seed", range(4))
def test_a_resample_is_its_cases_as_often_as_they_were_drawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, groups = 60, 20
    which = rng.integers(0, groups, n)
    which[:groups] = np.arange(groups)
    liked = rng.random(n) < 0.7
    values = np.round(liked * 0.3 + rng.random(n), 1)  # many ties
    values = np.minimum(values / 1.3, 1)
    dialogues = [f"d{number}" for number in which]
    auc, precision = scores.discrimination(values, liked, dialogues)
    error = scores.calibration_error(values, liked, dialogues)
    weights = drawn(auc, groups)[:, which].astype(float)
    for at in range(0, len(weights), 97):
        w = weights[at]
        assert auc.resampled[at] == pytest.approx(metrics.roc_auc_score(liked, values, sample_weight=w))
        expected = metrics.average_precision_score(liked, values, sample_weight=w)
        assert precision.resampled[at] == pytest.approx(expected)
    bins = np.minimum((values * 10).astype(int), 9)
    gaps = np.stack([(weights * (values - liked))[:, bins == b].sum(axis=1) for b in range(10)])
    expected = np.abs(gaps).sum(axis=0) / weights.sum(axis=1)
    assert (error.low, error.high) == pytest.approx(tuple(np.quantile(expected, [0.025, 0.975])))


def test_dialogues_are_drawn_whole() -> None:
    rng = np.random.default_rng(0)
    liked = np.repeat(rng.random(40) < 0.5, 25)  # all labels of a dialogue are equal
    values = np.repeat(rng.random(40), 25)
    whole = scores.discrimination(values, liked, [f"d{n // 25}" for n in range(1000)])[0].interval()
    alone = scores.discrimination(values, liked, [f"d{n}" for n in range(1000)])[0].interval()
    assert whole.high - whole.low > 3 * (alone.high - alone.low)


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(0)
    liked = rng.random(300) < 0.5
    values = liked + rng.normal(size=300)
    dialogues = [f"d{n // 3}" for n in range(300)]
    a, b = (
        scores.discrimination(v, liked, dialogues)[0] for v in (values, values + 0.01 * rng.normal(size=300))
    )
    gap = a.minus(b)
    assert gap.value == pytest.approx(a.value - b.value)
    assert gap.high - gap.low < 0.2 * (a.interval().high - a.interval().low)
    same = a.minus(a)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_resamples_with_one_label_only_are_left_out() -> None:
    auc, _ = scores.discrimination(np.array([1.0, 0.0, 0.5]), np.array([True, False, False]), ["a", "b", "c"])
    assert np.isnan(auc.resampled).any()
    assert (auc.interval().low, auc.interval().high) == (1, 1)


@pytest.mark.parametrize(
    ("liked", "why"),
    [
        ([], "no label has a value"),
        ([True, True], "all 2 labels say liked"),
        ([False], "all 1 labels say not liked"),
        ([False, True], None),
    ],
)
def test_labels_that_decide_nothing(liked: list[bool], why: str | None) -> None:
    assert scores.undecided(np.array(liked, dtype=bool)) == why


def test_spearman() -> None:
    a = np.array([1.0, 2.0, 2.0, 9.0])
    assert scores.spearman(a, np.array([1.0, 3.0, 5.0, 7.0])) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert scores.spearman(a, -a) == pytest.approx(-1)
    assert np.isnan(scores.spearman(a, np.ones(4)))
    assert np.isnan(scores.spearman(a[:1], a[:1]))
