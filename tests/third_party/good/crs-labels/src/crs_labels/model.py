"""The first signal alone decides: above its mean is satisfied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import Field

from crsbench import Options
from crsbench.types import Signal, WeakLabel


class FirstOptions(Options):
    trust: float = Field(default=0.8, gt=0.5, lt=1, description="probability where the signal says yes")


class First:
    def __init__(self, options: FirstOptions) -> None:
        self.options = options
        self.mean = 0.0

    def fit(self, signals: Sequence[Signal]) -> Self:
        known = signals[0].values[~np.isnan(signals[0].values)]
        self.mean = float(known.mean()) if len(known) else 0.0
        return self

    def predict(self, signals: Sequence[Signal]) -> WeakLabel:
        """Where the first signal is missing nothing is known: one half, without confidence."""
        values, trust = signals[0].values, self.options.trust
        probability = np.where(values > self.mean, trust, 1 - trust)
        missing = np.isnan(values)
        return WeakLabel(np.where(missing, 0.5, probability), np.where(missing, 0.0, 1.0))
