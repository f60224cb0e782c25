"""Paired tests of two policies on the same units, and the correction for many of them.

As for intervals, a dialogue is what was sampled: its differences are flipped or drawn together.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.intervals import RESAMPLES, Floats, by_group, of_difference, resamples, standard_error

FLIPS = 10_000
WIDTH = 512  # groups whose signs are drawn at once


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of b − a over `n` paired units with its 95% interval, and two-sided tests of no difference.

    `p` is of the permutation test, `p_bootstrap` of the bootstrap test. `effect` is Cohen's d_z over
    dialogues: the difference by the standard deviation of what the dialogues contribute to it (of their
    differences, where all have as many units); None where they do not vary.
    """

    value: float
    low: float
    high: float
    p: float
    p_bootstrap: float
    effect: float | None
    n: int


def paired(a: Sequence[float], b: Sequence[float], groups: Sequence[str]) -> Difference:
    """The difference b − a of values [N] measured on the same units.

    The interval is the cluster bootstrap's (`intervals.of_difference`). The permutation test swaps
    a and b in whole groups: p = (1 + #{|permuted| ≥ |observed|}) / (1 + permutations). The bootstrap test is
    studentised: with T = difference / standard error, p = (1 + #{|T* of (resampled − observed)| ≥ |T|}) /
    (1 + resamples) (Davison & Hinkley 1997, section 4.4; without the division it rejects too often when the
    groups are few).
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values cannot be paired with {len(b)}")
    sums, sizes = by_group(np.asarray(b, float) - np.asarray(a, float), groups)
    value = float(sums.sum() / sizes.sum())
    low, high = of_difference(sums, sizes)
    spread = standard_error(sums, sizes) * math.sqrt(len(sums))
    effect = value / spread if spread > 1e-12 * max(1.0, abs(value)) else None
    return Difference(value, low, high, _flip_test(sums), _bootstrap_test(sums, sizes), effect, len(a))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of the p-values of one family of tests, in the order given."""
    adjusted = [0.0] * len(ps)
    running = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        running = max(running, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = running
    return adjusted


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


def _bootstrap_test(sums: Floats, sizes: Floats) -> float:
    """With residuals r = s − difference · n, a resample has the deviation Σr/Σn, whose square by its squared
    standard error is (Σr)² / Σ(r − Σr/Σn · n)², both Σ over what it drew."""
    groups = len(sums)
    residuals = sums - sums.sum() / sizes.sum() * sizes
    if np.abs(residuals).max() <= 1e-9 * np.abs(sums).max():
        # nothing varies: only a resample that draws one group alone, and so has no spread, is as extreme
        alone = groups ** (1 - groups) if np.any(sums) else 1.0
        return (1 + alone * RESAMPLES) / (1 + RESAMPLES)
    moments = np.stack([residuals, sizes, residuals**2, residuals * sizes, sizes**2], axis=1)  # [G, 5]
    above = 0
    observed = float(sums.sum()) ** 2 / float((residuals**2).sum())
    for drawn in resamples(groups):
        r, n, rr, rn, nn = (drawn @ moments).T
        squares = rr - 2 * (r / n) * rn + (r / n) ** 2 * nn
        # a resample without spread counts as extreme: few groups alone must not reject
        above += int((r**2 >= observed * np.maximum(squares, 0) * (1 - 1e-9)).sum())
    return (1 + above) / (1 + RESAMPLES)
