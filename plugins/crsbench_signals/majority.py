"""Majority vote: the label model to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from crsbench.types import Signal, WeakLabel
from crsbench_signals.options import MajorityOptions


class Majority:
    """Every observed signal votes: 1 above its median over the fitted transitions, 0 below, ½ at it.

    The probability is the mean vote, the confidence |2p − 1|; nan and 0 where nothing is observed.
    """

    def __init__(self, options: MajorityOptions | None = None) -> None:
        self.options = options or MajorityOptions()
        self.medians: dict[str, float] = {}

    def fit(self, signals: Sequence[Signal]) -> Self:
        observed = {s.name: s.values[~np.isnan(s.values)] for s in signals}
        self.medians = {name: float(np.median(v)) if len(v) else np.nan for name, v in observed.items()}
        return self

    def predict(self, signals: Sequence[Signal]) -> WeakLabel:
        votes = np.stack([(np.sign(s.values - self.medians[s.name]) + 1) / 2 for s in signals])
        cast = ~np.isnan(votes)
        count = cast.sum(axis=0)
        total = np.where(cast, votes, 0.0).sum(axis=0)
        probability = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return WeakLabel(probability, np.nan_to_num(np.abs(2 * probability - 1)))
