"""The weighted sum: what a hand-made reward does with the signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.special import expit

from crsbench.types import Signal, WeakLabel
from crsbench_signals.options import WeightedSumOptions


class WeightedSum:
    """z = Σ_s w_s (x_s − μ_s) / σ_s over the observed signals, over √Σ w_s²; p = σ(z), confidence |2p − 1|.

    μ_s and σ_s are mean and standard deviation over the fitted transitions; a signal that is constant or
    never observed adds nothing. Weights are 1 unless `weights` says otherwise; a negative one turns a signal
    round. nan and 0 where nothing is observed. p is an order put between 0 and 1, no calibrated probability.

    Raises ValueError where a weight names no signal.
    """

    def __init__(self, options: WeightedSumOptions | None = None) -> None:
        self.options = options or WeightedSumOptions()
        self.scales: dict[str, tuple[float, float]] = {}

    def fit(self, signals: Sequence[Signal]) -> Self:
        unknown = set(self.options.weights) - {s.name for s in signals}
        if unknown:
            raise ValueError(f"weights for signals that are not there: {', '.join(sorted(unknown))}")
        seen = {s.name: s.values[~np.isnan(s.values)] for s in signals}
        self.scales = {name: (float(v.mean()), float(v.std())) for name, v in seen.items() if len(v)}
        return self

    def predict(self, signals: Sequence[Signal]) -> WeakLabel:
        total, squares = np.zeros(len(signals[0].values)), np.zeros(len(signals[0].values))
        observed = np.zeros(len(total), dtype=bool)
        for s in signals:
            mean, spread = self.scales.get(s.name, (0.0, 0.0))
            seen, weight = ~np.isnan(s.values), self.options.weights.get(s.name, 1.0)
            observed |= seen
            if spread > 0:
                total[seen] += weight * (s.values[seen] - mean) / spread
                squares[seen] += weight**2
        z = np.divide(total, np.sqrt(squares), out=np.zeros(len(total)), where=squares > 0)
        probability = np.where(observed, expit(z), np.nan)
        return WeakLabel(probability, np.nan_to_num(np.abs(2 * probability - 1)))
