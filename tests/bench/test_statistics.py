"""Do intervals cover what they say, and do tests reject no more than they say? Thousands of simulations.

Dialogues are as long as those of ReDial's test split. No part of the quick tests, which have a small version:
`pytest tests/bench/test_statistics.py -s`, some minutes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from crsbench.intervals import bca, over_both
from crsbench.significance import paired

SIMULATIONS = 10_000  # with 2,000 the share that covers is known to ±1% only
Floats = NDArray[np.float64]


def rates(rng: np.random.Generator, rate: float, count: int) -> Floats:
    """Chances of a hit in dialogues: their intraclass correlation is 1/6."""
    return rng.beta(5 * rate, 5 * (1 - rate), count)


def hits(rng: np.random.Generator, sizes: Floats, rate: float) -> Floats:
    """Sums of hits in dialogues of these sizes."""
    return rng.binomial(sizes.astype(int), rates(rng, rate, len(sizes))).astype(float)


def lengths(rng: np.random.Generator, sizes: Floats, mean: float) -> Floats:
    """Sums of skewed numbers, alike within a dialogue."""
    return mean * rng.gamma(2 * sizes) / 2 * rng.gamma(4, 1 / 4, len(sizes))


@pytest.mark.parametrize("count", [60, 300, 1327])
@pytest.mark.parametrize(("draw", "mean"), [(hits, 0.16), (hits, 0.03), (lengths, 12.0)])
def test_intervals_cover(
    draw: Callable[[np.random.Generator, Floats, float], Floats],
    mean: float,
    count: int,
    redial_sizes: list[int],
) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(SIMULATIONS):
        sizes = rng.choice(redial_sizes, count).astype(float)
        low, high = bca(draw(rng, sizes, mean), sizes)
        covered += low <= mean <= high
    share = covered / SIMULATIONS
    print(f"\n{draw.__name__} {mean}, {count} dialogues: {100 * share:.1f}% covered")
    least = 0.93 if count == 60 else 0.94  # rare hits in few dialogues are too few to say more
    assert least <= share <= 0.96


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.02, 0.1])
def test_intervals_cover_other_seeds(seeds: int, spread: float, redial_sizes: list[int]) -> None:
    """Two parts that each cover 95% cover a little more together: up to 96.2% here."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2_000):
        sizes = rng.choice(redial_sizes, 200)
        of = np.repeat(np.arange(200), sizes)
        dialogues = rng.normal(scale=0.3, size=200)[of]
        runs = [
            dialogues + rng.normal(scale=spread) + rng.normal(scale=0.4, size=len(of)) for _ in range(seeds)
        ]
        found = over_both(runs, of.astype(str).tolist())
        covered += found.low <= 0 <= found.high
    share = covered / 2_000
    print(f"\n{seeds} seeds, spread {spread}: {100 * share:.1f}% covered")
    assert 0.94 <= share <= 0.97


@pytest.mark.parametrize(("count", "comparisons"), [(30, 10_000), (1327, 2_000)])
def test_tests_reject_5_percent(count: int, comparisons: int, redial_sizes: list[int]) -> None:
    """Two policies with equal reciprocal ranks on average, in dialogues that are equally hard for both.

    Not hits: their sums over 30 dialogues are a few whole numbers, and no p-value lies just below 5%; the
    permutation test then rejects less often (3.4% of 2,000).
    """
    rng = np.random.default_rng(2)
    found: list[tuple[bool, bool]] = []
    for _ in range(comparisons):
        of = np.repeat(np.arange(count), rng.choice(redial_sizes, count))
        chances = rates(rng, 0.3, count)[of]
        ranks = rng.integers(1, 11, (2, len(of)))
        one, other = ((rng.random((2, len(of))) < chances) / ranks).tolist()
        tested = paired(one, other, of.astype(str).tolist())
        found.append((tested.p <= 0.05, tested.p_bootstrap <= 0.05))
    rejected = np.mean(found, axis=0)
    print(f"\n{count} dialogues: permutation {100 * rejected[0]:.1f}%, bootstrap {100 * rejected[1]:.1f}%")
    assert 0.04 <= rejected[0] <= 0.06
    assert 0.04 <= rejected[1] <= 0.06
