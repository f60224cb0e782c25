"""The latent-class label model: satisfaction is the hidden cause of all signals (Dawid & Skene, 1979).

A transition is satisfied, y = 1, with probability π. Given y, the signals are independent; signal s falls
into its bin b with probability θ_s[y, b], and a signal that was not observed says nothing:

    p(y | x) ∝ π_y · Π_{s observed} θ_s[y, b_s(x)]

A signal with at most `bins` different values keeps them; one with more is cut at its quantiles, so that only
its order matters. π and θ are fitted by EM (em.py). A signal's reliability is

    r_s = P(b' > b) + ½ P(b' = b),   b' ~ θ_s[1], b ~ θ_s[0]

its AUC against y under the model (for a binary signal the mean of sensitivity and specificity).

Identifiability. Three signals that are independent given y determine π and θ up to the names of the classes
(Kruskal; Allman, Matias & Rhodes, 2009). The names rest on one assumption: every signal is oriented so that
higher means more satisfied. With `monotone` it is part of the model: a signal may be worth nothing, r = ½,
but does not lie. Without, it holds on the average over the signals, Σ_s (r_s − ½) ≥ 0, and one may be found
to lie, r_s < ½.

Real signals have other causes in common besides satisfaction: a long reply takes longer, and names more.
Each such cause is an optimum of its own, with likelihoods that differ by next to nothing, and which of them
is satisfaction no likelihood can say. So EM starts from the signals' mean rank and from each signal alone,
and of the optima the one is taken on which the signals agree most, with the largest

    A = Σ_{s < t} (2 r_s − 1)(2 r_t − 1)

Where the assumptions hold, all starts meet in one.

Where no three signals are observed together, agreement tells nothing: EM would wander along a ridge of the
likelihood and call one of two signals a liar. Then it is not run, every signal is trusted alike (π and θ are
those of the start, the signals' mean rank), and `identified` is False. It is False as well where a
reliability's standard error (information.py) is beyond `VAGUE`: the labels are the best there are, but do not
read the reliabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Signal, WeakLabel
from crsbench_signals import em
from crsbench_signals.information import standard_errors
from crsbench_signals.options import LatentClassOptions

VAGUE = 0.05  # a standard error: the interval is then as wide as from worthless to trustworthy
_BETTER = 0.01  # by how much more signals have to agree for another start to win: equal optima are one


class LatentClass:
    """After `fit`: `prior` is π, `tables[name]` float64 [2, B] is θ, `reliability[name]` is r with the
    standard error `error[name]`, nan for a signal that was never observed; `steps` counts what EM took.
    """

    def __init__(self, options: LatentClassOptions | None = None) -> None:
        self.options = options or LatentClassOptions()
        self.cuts: dict[str, NDArray[np.float64]] = {}
        self.tables: dict[str, NDArray[np.float64]] = {}
        self.reliability: dict[str, float] = {}
        self.error: dict[str, float] = {}
        self.prior = 0.5
        self.steps = 0
        self.identified = False

    def fit(self, signals: Sequence[Signal]) -> Self:
        """EM from every start until no parameter moves by more than `tolerance`."""
        used = [s for s in signals if not np.isnan(s.values).all()]
        self.cuts = {s.name: _cuts(s.values, self.options.bins) for s in used}
        self.reliability = {s.name: float("nan") for s in signals}
        self.tables, self.error = {}, dict(self.reliability)
        self.prior, self.steps, self.identified = 0.5, 0, False
        if not used:
            return self
        names = [s.name for s in used]
        data = em.Patterns.of([self._bins(s) for s in used], [len(self.cuts[name]) + 1 for name in names])
        estimate = self._estimate(data)
        self.prior, self.tables = estimate.prior, dict(zip(names, estimate.tables, strict=True))
        self.reliability |= dict(zip(names, estimate.reliabilities().tolist(), strict=True))
        if self.steps:
            errors = standard_errors(data, estimate)
            self.error |= dict(zip(names, errors.tolist(), strict=True))
            self.identified = bool(errors.max() <= VAGUE)
        return self

    def predict(self, signals: Sequence[Signal]) -> WeakLabel:
        """The posterior, and |2p − 1| as confidence; nan and 0 where nothing is observed."""
        unknown = {s.name for s in signals} ^ set(self.reliability)
        if unknown:
            raise ValueError(f"fitted on other signals than these: {', '.join(sorted(unknown))}")
        probability = np.full(len(signals[0].values), np.nan)
        used = [s for s in signals if s.name in self.tables]
        if used:
            bins = np.stack([self._bins(s) for s in used], axis=1)
            estimate = em.Estimate(self.prior, tuple(self.tables[s.name] for s in used))
            hot = em.one_hot(bins, [self.tables[s.name].shape[1] for s in used])
            probability = np.where((bins >= 0).any(axis=1), em.posterior(estimate, hot), np.nan)
        return WeakLabel(probability, np.nan_to_num(np.abs(2 * probability - 1)))

    def _estimate(self, data: em.Patterns) -> em.Estimate:
        """The best of all optima; the start itself where no three signals are observed together."""
        o = self.options
        rules = em.Rules(o.smoothing, o.monotone, o.accelerate, o.iterations, o.tolerance)
        ranks = data.ranks()
        informative = np.flatnonzero(np.array(data.sizes) > 1)
        mean = _start(data, np.nanmean(ranks, axis=1), rules)
        if not ((data.bins[:, informative] >= 0).sum(axis=1) >= 3).any():
            return mean
        alone = [_start(data, np.nan_to_num(ranks[:, s], nan=0.5), rules) for s in informative]
        chosen, agreement = mean, -np.inf
        for start in [mean, *alone] if o.starts == "all" else [mean]:
            found, steps = em.climb(data, start, rules)
            self.steps += steps
            agrees = _agreement(found.reliabilities())
            if agrees > agreement + _BETTER:
                chosen, agreement = found, agrees
        return chosen.flipped() if (chosen.reliabilities() - 0.5).sum() < 0 else chosen

    def _bins(self, signal: Signal) -> NDArray[np.int64]:
        """int64 [N]: the bin of each value, −1 where it is missing."""
        bins = np.searchsorted(self.cuts[signal.name], signal.values, side="right")
        return np.where(np.isnan(signal.values), -1, bins)


def _start(data: em.Patterns, ranks: NDArray[np.float64], rules: em.Rules) -> em.Estimate:
    """What follows from taking ranks [P] for probabilities of satisfaction, with some doubt."""
    return em.maximise(data, np.clip(ranks, 0.1, 0.9), rules)


def _agreement(reliabilities: NDArray[np.float64]) -> float:
    """A."""
    accuracy = 2 * reliabilities - 1
    return float(accuracy.sum() ** 2 - accuracy @ accuracy) / 2


def _cuts(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Borders between neighbouring bins, each the lowest value of the upper one."""
    seen = values[~np.isnan(values)]
    different = np.unique(seen)
    if len(different) <= bins:
        return different[1:]
    borders = np.quantile(seen, np.arange(1, bins) / bins, method="higher")
    return np.unique(borders[borders > different[0]])
