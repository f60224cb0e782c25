"""Agreement with judgements, with intervals from a bootstrap that draws whole dialogues.

A resample counts how often each dialogue is drawn; statistics are computed from sums over dialogues, weighted
by these counts. Spearman's correlation of a resample is Pearson's of the ranks in the whole sample.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.intervals import Interval, percentiles, resamples

Floats = NDArray[np.float64]


def spearman(a: Floats, b: Floats, groups: Sequence[str]) -> Interval:
    """The rank correlation of values [N] each; nan where one is constant."""
    return _interval(_correlation, _moments(_ranks(a), _ranks(b), groups), len(a))


def slope(predicted: Floats, true: Floats, groups: Sequence[str]) -> Interval:
    """By how much the truth rises where the prediction rises by one: 1 where predictions are calibrated."""
    return _interval(_slope, _moments(predicted, true, groups), len(true))


def recall_and_f1(
    predicted: NDArray[np.int64], true: NDArray[np.int64], groups: Sequence[str], low: int
) -> tuple[Interval, Interval]:
    """Unweighted average recall over the classes of `true` [N], and F1 of the classes below `low`."""
    classes = np.unique(true)
    is_true = true[:, None] == classes
    hit = is_true & (predicted == true)[:, None]
    recalls = _sums(np.concatenate([hit, is_true], axis=1).astype(np.float64), groups)
    below, said = true < low, predicted < low
    f1 = _sums(np.stack([below & said, below, said], axis=1).astype(np.float64), groups)
    return _interval(_average_recall, recalls, len(true)), _interval(_f1, f1, len(true))


def _moments(x: Floats, y: Floats, groups: Sequence[str]) -> Floats:
    """n, Σx, Σy, Σx², Σy², Σxy of each group: [G, 6]."""
    return _sums(np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y], axis=1), groups)


def _correlation(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))


def _slope(sums: Floats) -> Floats:
    n, x, y, xx, _, xy = sums.T
    return (xy - x * y / n) / (xx - x * x / n)


def _average_recall(sums: Floats) -> Floats:
    """A class that a resample has not drawn is no class of it."""
    hits, all_of = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nanmean(hits / all_of, axis=1)


def _f1(sums: Floats) -> Floats:
    both, true, said = sums.T
    return 2 * both / np.maximum(true + said, 1)


def _interval(statistic: Any, sums: Floats, n: int) -> Interval:
    value = statistic(sums.sum(axis=0, keepdims=True))[0]
    drawn = [statistic(counts.astype(np.float64) @ sums) for counts in resamples(len(sums))]
    return Interval(float(value), *percentiles(np.concatenate(drawn)), n)


def _sums(columns: Floats, groups: Sequence[str]) -> Floats:
    """Of each column [N, C] over each group: [G, C]."""
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    found = np.zeros((len(numbers), columns.shape[1]))
    np.add.at(found, [numbers[group] for group in groups], columns)
    return found


def _ranks(values: Floats) -> Floats:
    """From 1, ties sharing their mean; centred and scaled, so that sums of squares lose nothing."""
    stats: Any = importlib.import_module("scipy.stats")
    ranks = stats.rankdata(values)
    return (ranks - ranks.mean()) / len(ranks)
