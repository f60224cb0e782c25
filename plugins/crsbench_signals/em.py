"""EM for two latent classes with categorical signals: its two steps, and how it climbs.

Data is kept as patterns: the different rows of bins, each once, with its count. An `Estimate` holds the class
prior π and for each signal a table θ float64 [2, B], p(bin | class). E-step and M-step are

    p(y | x) ∝ π_y · Π_{s observed} θ_s[y, b_s(x)]         π, θ = shares of the counts weighted by p(y | x)

With `monotone` the M-step maximises under the likelihood-ratio order, θ[1, b] / θ[0, b] non-decreasing in b,
so that more of a signal never means less of class 1. The exact maximum is the isotonic regression of class
1's share in each bin (Dykstra, Kochar & Robertson, JASA 1995), so EM still climbs.

Plain EM crawls where the classes overlap. `climb` extrapolates two steps by SQUAREM (Varadhan & Roland,
Scandinavian Journal of Statistics 2008, scheme S3) and keeps the result where the objective did not fall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Array = NDArray[np.float64]
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Patterns:
    """`bins` int64 [P, S], −1 where a signal is missing; `counts` float64 [P]; bins of each signal.

    `one_hot` float64 [P, ΣB] has the signals side by side, zero where one is missing.
    """

    bins: NDArray[np.int64]
    counts: Array
    sizes: tuple[int, ...]
    one_hot: Array

    @classmethod
    def of(cls, columns: Sequence[NDArray[np.int64]], sizes: Sequence[int]) -> Patterns:
        """From the bins of each signal, int64 [N]; rows without any are left out."""
        rows = np.stack(columns, axis=1)
        bins, counts = np.unique(rows[(rows >= 0).any(axis=1)], axis=0, return_counts=True)
        return cls(bins, counts.astype(np.float64), tuple(sizes), one_hot(bins, sizes))

    def ranks(self) -> Array:
        """float64 [P, S]: bins from 0 to 1, nan where missing; those of a constant signal are 0."""
        return np.where(self.bins >= 0, self.bins / np.maximum(np.array(self.sizes) - 1, 1), np.nan)

    def split(self, columns: Array) -> list[Array]:
        """The columns […, ΣB] of each signal."""
        return np.split(columns, np.cumsum(self.sizes)[:-1], axis=-1)


@dataclass(frozen=True, slots=True)
class Estimate:
    prior: float
    tables: tuple[Array, ...]

    def vector(self) -> Array:
        return np.concatenate([[self.prior], *(table.ravel() for table in self.tables)])

    def like(self, vector: Array) -> Estimate:
        """One of this shape from a vector."""
        parts = np.split(vector[1:], np.cumsum([table.size for table in self.tables])[:-1])
        tables = [part.reshape(table.shape) for part, table in zip(parts, self.tables, strict=True)]
        return Estimate(float(vector[0]), tuple(tables))

    def flipped(self) -> Estimate:
        """The same with the classes' names exchanged."""
        return Estimate(1 - self.prior, tuple(table[::-1] for table in self.tables))

    def reliabilities(self) -> Array:
        return np.array([reliability(table) for table in self.tables])


@dataclass(frozen=True, slots=True)
class Rules:
    """How to maximise: `smoothing` rows are added to each class, spread as the signal is."""

    smoothing: float
    monotone: bool
    accelerate: bool
    iterations: int
    tolerance: float


def reliability(table: Array) -> float:
    """r = P(b' > b) + ½ P(b' = b) for b' ~ table[1], b ~ table[0]."""
    below = np.cumsum(table[0]) - table[0]
    return float(table[1] @ (below + table[0] / 2))


def one_hot(bins: NDArray[np.int64], sizes: Sequence[int]) -> Array:
    """float64 [N, ΣB] of bins [N, S]."""
    return np.concatenate([bins[:, s, None] == np.arange(size) for s, size in enumerate(sizes)], axis=1) * 1.0


def log_odds(estimate: Estimate, hot: Array) -> Array:
    """float64 [N]: ln p(y = 1 | x) − ln p(y = 0 | x) for one-hot rows; a missing signal adds nothing."""
    prior = min(max(estimate.prior, _TINY), 1 - _TINY)
    logs = np.log(np.concatenate(estimate.tables, axis=1))
    return np.log(prior / (1 - prior)) + hot @ (logs[1] - logs[0])


def posterior(estimate: Estimate, hot: Array) -> Array:
    """float64 [N]: p(y = 1 | x)."""
    return 0.5 * (1 + np.tanh(log_odds(estimate, hot) / 2))  # a sigmoid that does not overflow


def maximise(data: Patterns, probability: Array, rules: Rules) -> Estimate:
    """The M-step from p(y = 1) of each pattern, float64 [P]."""
    weights = data.counts * np.stack([1 - probability, probability])
    tables: list[Array] = []
    for counts in data.split(weights @ data.one_hot):
        both = counts.sum(axis=0)
        counts = counts + rules.smoothing * both / both.sum() + _TINY
        if rules.monotone:
            both = counts.sum(axis=0)
            share = isotonic_regression(counts[1] / both, weights=both).x
            counts = np.stack([both * (1 - share), both * share])
        tables.append(counts / counts.sum(axis=1, keepdims=True))
    return Estimate(float(weights[1].sum() / data.counts.sum()), tuple(tables))


def step(data: Patterns, estimate: Estimate, rules: Rules) -> Estimate:
    """One E-step and one M-step."""
    return maximise(data, posterior(estimate, data.one_hot), rules)


def objective(data: Patterns, estimate: Estimate, rules: Rules) -> float:
    """What the steps maximise: the log-likelihood, nats, and the smoothing's share of it."""
    logs = np.log(np.concatenate(estimate.tables, axis=1))
    class_0 = np.log(max(1 - estimate.prior, _TINY)) + data.one_hot @ logs[0]
    likelihood = data.counts @ (class_0 + np.logaddexp(0, log_odds(estimate, data.one_hot)))
    shares = [seen / seen.sum() for seen in data.split(data.counts @ data.one_hot)]
    return float(likelihood + rules.smoothing * (logs @ np.concatenate(shares)).sum())


def climb(data: Patterns, start: Estimate, rules: Rules) -> tuple[Estimate, int]:
    """EM until a step moves no parameter by more than the tolerance: the estimate, and the steps it took."""
    estimate, steps, moved = start, 0, np.inf
    while moved > rules.tolerance and steps < rules.iterations:
        once = step(data, estimate, rules)
        steps += 1
        moved = float(np.abs(once.vector() - estimate.vector()).max())
        if rules.accelerate and moved > rules.tolerance and steps + 2 <= rules.iterations:
            twice = step(data, once, rules)
            once = _extrapolated(data, estimate, once, twice, rules)
            steps += 2
        estimate = once
    return estimate, steps


def _extrapolated(data: Patterns, zero: Estimate, one: Estimate, two: Estimate, rules: Rules) -> Estimate:
    """A step from x_0 + 2αr + α²v, r = x_1 − x_0, v = x_2 − 2x_1 + x_0, α = |r| / |v|; x_2 if that is worse.

    α shrinks towards 1, where the point is x_2, until all probabilities are positive.
    """
    x, r = zero.vector(), one.vector() - zero.vector()
    v = two.vector() - one.vector() - r
    alpha = np.sqrt((r @ r) / max(float(v @ v), 1e-300))
    while alpha > 1.01:
        point = x + 2 * alpha * r + alpha**2 * v
        if point.min() > 0 and point[0] < 1:
            found = step(data, zero.like(point), rules)
            return found if objective(data, found, rules) >= objective(data, two, rules) else two
        alpha = (1 + alpha) / 2 if alpha > 2 else 1.0
    return two
