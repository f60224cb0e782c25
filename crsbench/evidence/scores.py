"""How well values tell what was liked from what was not, and how far a probability can be taken at its word.

y ∈ {0, 1} is the label of a case, s its value, w the number of times that a resample draws its dialogue.
Dialogues are drawn whole (`intervals`), and every statistic of a resample is that of its cases, each w times:

    AUC = Σ_{y_i=1, y_j=0} w_i w_j (1[s_i > s_j] + ½ 1[s_i = s_j]) / (Σ_{y_i=1} w_i · Σ_{y_j=0} w_j)
    AP  = Σ_k (R_k − R_{k−1}) P_k        over the distinct values from the highest down, R recall, P precision
    Brier = Σ w (s − y)² / Σ w
    ECE = Σ_b |Σ_{i∈b} w_i (s_i − y_i)| / Σ w        over BINS equal bins of [0, 1] (Naeini et al., 2015)

ECE is an absolute value and grows with noise: that of a resample lies above its own more often than below.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.intervals import Interval, bootstrap, percentiles, resamples

BINS = 10
BLOCK = 1 << 21  # cases of resamples that are looked at together

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of `n` cases, and what it is in each resample, float64 [RESAMPLES]."""

    value: float
    resampled: Floats
    n: int

    def interval(self) -> Interval:
        return Interval(self.value, *percentiles(self.resampled), self.n)

    def minus(self, other: Estimate) -> Interval:
        """The paired difference: both are of the same cases in the same order."""
        low, high = percentiles(self.resampled - other.resampled)
        return Interval(self.value - other.value, low, high, self.n)


@dataclass(frozen=True, slots=True)
class Bin:
    """The cases of one bin of a reliability diagram: their mean probability and the share that was liked."""

    probability: float
    liked: float
    n: int


def undecided(liked: Bools) -> str | None:
    """Why values cannot be judged on these labels, or None where they can."""
    if not len(liked):
        return "no label has a value"
    if liked.all() or not liked.any():
        return f"all {len(liked)} labels say {'liked' if liked[0] else 'not liked'}"
    return None


def discrimination(scores: Floats, liked: Bools, dialogues: Sequence[str]) -> tuple[Estimate, Estimate]:
    """AUC and average precision of `scores` [N]; both labels have to occur."""
    metrics = _sklearn()
    aucs, precisions = _resampled(scores, liked, dialogues)
    n = len(scores)
    return (
        Estimate(float(metrics.roc_auc_score(liked, scores)), aucs, n),
        Estimate(float(metrics.average_precision_score(liked, scores)), precisions, n),
    )


def roc(scores: Floats, liked: Bools) -> tuple[list[float], list[float]]:
    """The corners of the ROC curve: false positive rates and true positive rates, from (0, 0) to (1, 1)."""
    false, true, _ = _sklearn().roc_curve(liked, scores)
    return false.tolist(), true.tolist()


def brier(probability: Floats, liked: Bools, dialogues: Sequence[str]) -> Interval:
    """The mean squared difference of probability and label."""
    errors: list[float] = ((probability - liked) ** 2).tolist()
    return bootstrap(errors, dialogues)


def calibration_error(probability: Floats, liked: Bools, dialogues: Sequence[str]) -> Interval:
    """The expected calibration error."""
    which, groups = _numbered(dialogues)
    cells = which * BINS + _bins(probability)
    gaps = np.bincount(cells, weights=probability - liked, minlength=groups * BINS).reshape(groups, BINS)
    sizes = np.bincount(which, minlength=groups).astype(np.float64)
    resampled = [
        np.abs(counts.astype(np.float64) @ gaps).sum(axis=1) / (counts @ sizes)
        for counts in resamples(groups)
    ]
    value = float(np.abs(gaps.sum(axis=0)).sum() / len(probability))
    return Estimate(value, np.concatenate(resampled), len(probability)).interval()


def reliability(probability: Floats, liked: Bools) -> tuple[Bin, ...]:
    """The bins that have cases, lowest first."""
    bins = _bins(probability)
    members = [bins == b for b in range(BINS)]
    return tuple(
        Bin(float(probability[here].mean()), float(liked[here].mean()), int(here.sum()))
        for here in members
        if here.any()
    )


def spearman(a: Floats, b: Floats) -> float:
    """The rank correlation of two rows of values, ties sharing their mean rank; nan where one is constant."""
    if len(a) < 2 or (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    stats: Any = importlib.import_module("scipy.stats")
    return float(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])


def _resampled(scores: Floats, liked: Bools, dialogues: Sequence[str]) -> tuple[Floats, Floats]:
    """AUC and average precision of each resample, float64 [RESAMPLES]; nan where one label is missing."""
    which, groups = _numbered(dialogues)
    order = np.argsort(-scores, kind="stable")
    which, liked, ranked = which[order], liked[order], scores[order]
    first = np.concatenate([[0], np.flatnonzero(np.diff(ranked)) + 1])  # where each distinct value begins
    aucs: list[Floats] = []
    precisions: list[Floats] = []
    rows = max(1, BLOCK // len(scores))
    for drawn in resamples(groups):
        for start in range(0, len(drawn), rows):
            weights = drawn[start : start + rows, which].astype(np.float64)  # [rows, N]
            positive = np.add.reduceat(weights * liked, first, axis=1)
            negative = np.add.reduceat(weights, first, axis=1) - positive
            above, beside = positive.cumsum(axis=1), negative.cumsum(axis=1)
            likes, dislikes = above[:, -1], beside[:, -1]
            beaten = dislikes[:, None] - beside + negative / 2
            precision = above / np.maximum(above + beside, 1)
            with np.errstate(invalid="ignore"):
                aucs.append((positive * beaten).sum(axis=1) / (likes * dislikes))
                precisions.append((positive * precision).sum(axis=1) / likes)
    return np.concatenate(aucs), np.concatenate(precisions)


def _numbered(dialogues: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """Dialogues as numbers from 0, and how many there are."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(dialogues))}
    return np.array([numbers[name] for name in dialogues], dtype=np.int64), len(numbers)


def _bins(probability: Floats) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def _sklearn() -> Any:
    return importlib.import_module("sklearn.metrics")  # late: it takes longer than all else here
