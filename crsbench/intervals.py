"""Intervals and paired tests that treat a dialogue, not a row, as what was sampled.

Rows of one dialogue resemble each other, so groups (dialogues, episodes) are drawn and flipped whole. All
randomness comes from a fixed seed: the same values give the same interval.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
FLIPS = 10_000
LEVEL = 0.95
BLOCK = 1 << 22  # numbers drawn at once
FEW = 1 << 12  # groups whose draws are kept for the next call
WIDTH = 512  # groups whose signs are drawn at once

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `n` units with its 95% interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of b − a over `n` paired units, its 95% interval, the two-sided p-value of no difference."""

    value: float
    low: float
    high: float
    p: float
    n: int


def bootstrap(values: Sequence[float], groups: Sequence[str]) -> Interval:
    """The pooled mean of `values` [N], and the percentile interval of a cluster bootstrap over `groups` [N].

    A resample draws as many groups as there are, with replacement; its mean is Σ values / Σ sizes of what was
    drawn (Davison & Hinkley 1997, section 3.8). Raises ValueError where there is nothing to average.
    """
    sums, sizes = _by_group(values, groups)
    low, high = _percentiles(sums, sizes)
    return Interval(float(sums.sum() / sizes.sum()), low, high, len(values))


def paired(a: Sequence[float], b: Sequence[float], groups: Sequence[str]) -> Difference:
    """The difference b − a of values [N] measured on the same units.

    The interval is the cluster bootstrap of the differences. The p-value comes from a permutation test that
    swaps a and b in whole groups, (1 + #{|permuted| ≥ |observed|}) / (1 + permutations).
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values cannot be paired with {len(b)}")
    sums, sizes = _by_group(np.asarray(b, float) - np.asarray(a, float), groups)
    low, high = _percentiles(sums, sizes)
    return Difference(float(sums.sum() / sizes.sum()), low, high, _flip_test(sums), len(a))


def over_seeds(values: Sequence[float]) -> Interval:
    """The mean of one value a seed and its t-interval; nan bounds where there is one seed only."""
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return Interval(mean, math.nan, math.nan, n)
    scipy_stats: Any = importlib.import_module("scipy.stats")  # late: it takes longer than all else here
    half = float(scipy_stats.t.ppf((1 + LEVEL) / 2, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of the p-values of one family of tests, in the order given."""
    adjusted = [0.0] * len(ps)
    running = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        running = max(running, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = running
    return adjusted


def _by_group(values: Sequence[float] | Floats, groups: Sequence[str]) -> tuple[Floats, Floats]:
    """Sum of values and number of values of each group, [G] each, in order of first appearance."""
    if len(values) == 0 or len(values) != len(groups):
        raise ValueError(f"{len(values)} values in {len(groups)} groups: nothing to average")
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    which = np.array([numbers[group] for group in groups])
    sums = np.bincount(which, weights=np.asarray(values, float), minlength=len(numbers))
    return sums.astype(np.float64), np.bincount(which, minlength=len(numbers)).astype(np.float64)


def resamples(groups: int) -> Iterable[NDArray[np.uint16]]:
    """How often each resample of a bootstrap draws each group: [RESAMPLES, G] in blocks of rows.

    The same for equal numbers of groups, so that what is computed from them can be paired.
    """
    return _few_draws(groups) if groups <= FEW else _draws(groups)


def percentiles(resampled: Floats) -> tuple[float, float]:
    """The bounds of the 95% percentile interval of a statistic in its resamples; those without it (nan),
    such as an AUC where all labels drawn are equal, are left out."""
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _percentiles(sums: Floats, sizes: Floats) -> tuple[float, float]:
    means = [(counts @ sums) / (counts @ sizes) for counts in resamples(len(sums))]
    return percentiles(np.concatenate(means))


def _draws(groups: int) -> Iterator[NDArray[np.uint16]]:
    rng = np.random.default_rng(0)
    equal = np.full(groups, 1 / groups)
    rows = max(1, BLOCK // groups)
    for start in range(0, RESAMPLES, rows):
        yield rng.multinomial(groups, equal, size=min(rows, RESAMPLES - start)).astype(np.uint16)


@functools.lru_cache(maxsize=8)  # a run asks again and again for the same few numbers of groups
def _few_draws(groups: int) -> tuple[NDArray[np.uint16], ...]:
    return tuple(_draws(groups))


def _flip_test(sums: Floats) -> float:
    permuted = np.zeros(FLIPS)
    for number, start in enumerate(range(0, len(sums), WIDTH)):
        part = sums[start : start + WIDTH]
        permuted += _signs(number)[:, : len(part)] @ part
    observed = abs(float(sums.sum()))
    # the observed sum is one of the permuted ones: rounding must not put it above itself
    bound = observed - 1e-9 * max(1.0, float(np.abs(sums).sum()))
    return (1 + int((np.abs(permuted) >= bound).sum())) / (1 + FLIPS)


@functools.lru_cache(maxsize=8)
def _signs(number: int) -> NDArray[np.int8]:
    """Random signs of the groups from WIDTH · number on: [FLIPS, WIDTH]."""
    rng = np.random.default_rng([1, number])
    return 2 * rng.integers(0, 2, (FLIPS, WIDTH), dtype=np.int8) - 1
