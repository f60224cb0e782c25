"""The latent-class label model: satisfaction is the hidden cause of all signals (Dawid & Skene, 1979).

A transition is satisfied, y = 1, with probability π. Given y, the signals are independent; signal s falls
into its bin b with probability θ_s[y, b], and a signal that was not observed says nothing:

    p(y | x) ∝ π_y · Π_{s observed} θ_s[y, b_s(x)]

EM alternates this posterior with the weighted counts that estimate π and θ. A signal with at most `bins`
different values keeps them; one with more is cut at its quantiles, so that only its order matters.

Identifiability. Three signals that are independent given y determine π and θ up to the names of the classes
(Kruskal; Allman, Matias & Rhodes, 2009). The names are fixed by one assumption: every signal is oriented so
that higher means more satisfied, and is so on the average over the signals: Σ_s (r_s − ½) ≥ 0, where

    r_s = P(b' > b) + ½ P(b' = b),   b' ~ θ_s[1], b ~ θ_s[0]

is the reliability of the signal, its AUC against y under the model (for a binary signal the mean of
sensitivity and specificity). A single signal may be found to lie, r_s < ½.

Where no three signals are observed together, agreement tells nothing: EM would wander along a ridge of the
likelihood and call one of two signals a liar. Then it is not run, every signal is trusted alike (π and θ are
those of the start, the signals' mean rank), and `identified` is False.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Signal, WeakLabel
from crsbench_signals.options import LatentClassOptions

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The different rows of bins, each once: `one_hot[s]` float64 [P, B_s] is zero where s is missing."""

    one_hot: list[NDArray[np.float64]]
    counts: NDArray[np.float64]
    start: NDArray[np.float64]  # mean rank of the observed signals, in [0, 1]
    identified: bool


@dataclass(frozen=True, slots=True)
class _Estimate:
    prior: float
    tables: list[NDArray[np.float64]]

    def vector(self) -> NDArray[np.float64]:
        return np.concatenate([[self.prior], *(table.ravel() for table in self.tables)])


class LatentClass:
    """After `fit`: `prior` is π, `tables[name]` float64 [2, B] is θ, `reliability[name]` is r, nan for
    a signal that was never observed; `steps` counts what EM took.
    """

    def __init__(self, options: LatentClassOptions | None = None) -> None:
        self.options = options or LatentClassOptions()
        self.cuts: dict[str, NDArray[np.float64]] = {}
        self.tables: dict[str, NDArray[np.float64]] = {}
        self.reliability: dict[str, float] = {}
        self.prior = 0.5
        self.steps = 0
        self.identified = False

    def fit(self, signals: Sequence[Signal]) -> Self:
        """EM from the signals' mean rank until no parameter moves by more than `tolerance`."""
        o = self.options
        used = [s for s in signals if not np.isnan(s.values).all()]
        self.cuts = {s.name: _cuts(s.values, o.bins) for s in used}
        self.tables, self.reliability = {}, {s.name: float("nan") for s in signals}
        self.prior, self.steps, self.identified = 0.5, 0, False
        if not used:
            return self
        data = _patterns([self._bins(s) for s in used], [len(self.cuts[s.name]) + 1 for s in used])
        self.identified = data.identified
        estimate = _maximise(data, np.clip(data.start, 0.1, 0.9), o.smoothing)
        moved = np.inf
        while self.identified and moved > o.tolerance and self.steps < o.iterations:
            posterior = _posterior(estimate.prior, estimate.tables, data.one_hot)
            before, estimate = estimate, _maximise(data, posterior, o.smoothing)
            moved = np.abs(estimate.vector() - before.vector()).max()
            self.steps += 1
        if sum(_auc(table) - 0.5 for table in estimate.tables) < 0:
            estimate = _Estimate(1 - estimate.prior, [table[::-1] for table in estimate.tables])
        self.prior = estimate.prior
        self.tables = {s.name: table for s, table in zip(used, estimate.tables, strict=True)}
        self.reliability |= {name: _auc(table) for name, table in self.tables.items()}
        return self

    def predict(self, signals: Sequence[Signal]) -> WeakLabel:
        """The posterior, and |2p − 1| as confidence; nan and 0 where nothing is observed."""
        unknown = {s.name for s in signals} ^ set(self.reliability)
        if unknown:
            raise ValueError(f"fitted on other signals than these: {', '.join(sorted(unknown))}")
        used = [s for s in signals if s.name in self.tables]
        observed = np.zeros(len(signals[0].values), dtype=bool)
        one_hot: list[NDArray[np.float64]] = []
        for s in used:
            bins = self._bins(s)
            observed |= bins >= 0
            one_hot.append(_one_hot(bins, self.tables[s.name].shape[1]))
        probability = np.full(len(observed), np.nan)
        if used:
            posterior = _posterior(self.prior, [self.tables[s.name] for s in used], one_hot)
            probability[observed] = posterior[observed]
        return WeakLabel(probability, np.nan_to_num(np.abs(2 * probability - 1)))

    def _bins(self, signal: Signal) -> NDArray[np.int64]:
        """int64 [N]: the bin of each value, −1 where it is missing."""
        bins = np.searchsorted(self.cuts[signal.name], signal.values, side="right")
        return np.where(np.isnan(signal.values), -1, bins)


def _cuts(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Borders between neighbouring bins, each the lowest value of the upper one."""
    seen = values[~np.isnan(values)]
    different = np.unique(seen)
    if len(different) <= bins:
        return different[1:]
    borders = np.quantile(seen, np.arange(1, bins) / bins, method="higher")
    return np.unique(borders[borders > different[0]])


def _one_hot(bins: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return (bins[:, None] == np.arange(size)).astype(np.float64)


def _patterns(columns: list[NDArray[np.int64]], sizes: list[int]) -> _Patterns:
    rows = np.stack(columns, axis=1)
    rows, counts = np.unique(rows[(rows >= 0).any(axis=1)], axis=0, return_counts=True)
    ranks = np.where(rows >= 0, rows / np.maximum(np.array(sizes) - 1, 1), np.nan)
    one_hot = [_one_hot(rows[:, s], size) for s, size in enumerate(sizes)]
    together = (rows[:, np.array(sizes) > 1] >= 0).sum(axis=1)
    return _Patterns(
        one_hot, counts.astype(np.float64), np.nanmean(ranks, axis=1), bool((together >= 3).any())
    )


def _maximise(data: _Patterns, posterior: NDArray[np.float64], smoothing: float) -> _Estimate:
    """π and θ from the posterior [P]; `smoothing` rows are added a class, spread as the signal is."""
    weights = data.counts * np.stack([1 - posterior, posterior])
    tables: list[NDArray[np.float64]] = []
    for x in data.one_hot:
        counts = weights @ x
        marginal = counts.sum(axis=0) / counts.sum()
        smoothed = counts + smoothing * marginal + _TINY
        tables.append(smoothed / smoothed.sum(axis=1, keepdims=True))
    return _Estimate(float(weights[1].sum() / weights.sum()), tables)


def _posterior(
    prior: float, tables: list[NDArray[np.float64]], one_hot: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """float64 [P]: p(y = 1 | bins)."""
    prior = min(max(prior, _TINY), 1 - _TINY)
    logit = np.log(prior / (1 - prior))
    for table, x in zip(tables, one_hot, strict=True):
        logit = logit + x @ (np.log(table[1]) - np.log(table[0]))
    return 0.5 * (1 + np.tanh(logit / 2))  # a sigmoid that does not overflow


def _auc(table: NDArray[np.float64]) -> float:
    """r = P(b' > b) + ½ P(b' = b) for b' ~ table[1], b ~ table[0]."""
    below = np.cumsum(table[0]) - table[0]
    return float(table[1] @ (below + table[0] / 2))
