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

COMPARISONS = 2_000
SIMULATIONS = 10_000  # of intervals: with 2,000 the share that covers is known to ±1% only
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
    """Where seeds do not differ, the interval pays for what it cannot know, and is too wide."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(COMPARISONS):
        sizes = rng.choice(redial_sizes, 200)
        of = np.repeat(np.arange(200), sizes)
        dialogues = rng.normal(scale=0.3, size=200)[of]
        runs = [
            dialogues + rng.normal(scale=spread) + rng.normal(scale=0.4, size=len(of)) for _ in range(seeds)
        ]
        found = over_both(runs, of.astype(str).tolist())
        covered += found.low <= 0 <= found.high
    share = covered / COMPARISONS
    print(f"\n{seeds} seeds, spread {spread}: {100 * share:.1f}% covered")
    assert 0.94 <= share <= (0.96 if spread == 0.1 else 0.985)


@pytest.mark.parametrize("count", [30, 1327])
def test_tests_reject_5_percent(count: int, redial_sizes: list[int]) -> None:
    """Two policies that hit equally often, in dialogues that are equally hard for both."""
    rng = np.random.default_rng(2)
    found: list[tuple[bool, bool]] = []
    for _ in range(COMPARISONS):
        of = np.repeat(np.arange(count), rng.choice(redial_sizes, count))
        chances = rates(rng, 0.3, count)[of]
        one, other = ((rng.random(len(of)) < chances).astype(float).tolist() for _ in range(2))
        tested = paired(one, other, of.astype(str).tolist())
        found.append((tested.p <= 0.05, tested.p_bootstrap <= 0.05))
    rejected = np.mean(found, axis=0)
    print(f"\n{count} dialogues: permutation {100 * rejected[0]:.1f}%, bootstrap {100 * rejected[1]:.1f}%")
    assert 0.04 <= rejected[0] <= 0.06
    assert 0.04 <= rejected[1] <= 0.06
