"""Intervals and paired tests that treat a dialogue, not a row, as what was sampled.

Rows of one dialogue resemble each other, so groups (dialogues, episodes) are drawn and flipped whole. All
randomness comes from a fixed seed: the same values give the same interval.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
FLIPS = 10_000
LEVEL = 0.95
BLOCK = 1 << 22  # numbers drawn at once
KEPT = 1 << 24  # numbers kept for the next call

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


def _percentiles(sums: Floats, sizes: Floats) -> tuple[float, float]:
    drawn = [(counts @ sums) / (counts @ sizes) for counts in _random(_draw, len(sums))]
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _flip_test(sums: Floats) -> float:
    observed = abs(float(sums.sum()))
    # the observed sum belongs to the permutations: rounding must not put it below itself
    bound = observed - 1e-9 * max(1.0, float(np.abs(sums).sum()))
    extreme = sum(int((np.abs(signs @ sums) >= bound).sum()) for signs in _random(_sign, len(sums)))
    return (1 + extreme) / (1 + FLIPS)


def _draw(groups: int) -> Iterator[Floats]:
    """How often each resample draws each group: blocks of [rows, G], RESAMPLES rows in all."""
    rng = np.random.default_rng(0)
    equal = np.full(groups, 1 / groups)
    for rows in _blocks(RESAMPLES, groups):
        yield rng.multinomial(groups, equal, size=rows).astype(np.float64)


def _sign(groups: int) -> Iterator[Floats]:
    """Random signs of each group: blocks of [rows, G], FLIPS rows in all."""
    rng = np.random.default_rng(1)
    for rows in _blocks(FLIPS, groups):
        yield 2.0 * rng.integers(0, 2, (rows, groups), dtype=np.int8).astype(np.float64) - 1.0


def _blocks(rows: int, width: int) -> list[int]:
    size = max(1, BLOCK // width)
    return [min(size, rows - start) for start in range(0, rows, size)]


@functools.lru_cache(maxsize=2)
def _kept(kind: Callable[[int], Iterator[Floats]], groups: int) -> tuple[Floats, ...]:
    return tuple(kind(groups))


def _random(kind: Callable[[int], Iterator[Floats]], groups: int) -> Iterable[Floats]:
    """The blocks of `kind`, kept in memory where they are small: a run asks for the same again and again."""
    return _kept(kind, groups) if groups * FLIPS <= KEPT else kind(groups)
