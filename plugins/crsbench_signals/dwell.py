"""Dwell: the time from the system turn to the user's reply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Signal, Transition
from crsbench_signals import turns
from crsbench_signals.mixture import log_likelihood_ratio
from crsbench_signals.options import DwellOptions

_UNITS = {
    "raw": "s",
    "normalised": "ln(dwell / reading time)",
    "log-z": "standard deviations of ln s",
    "two-class": "log-likelihood ratio, nats",
}


class Dwell:
    """`raw`: d seconds. `normalised`: ln(d / r) with the reading time r = words · 60 / `words_per_minute`.
    `log-z` (Yi et al., RecSys 2014): (ln d − μ_u) / σ_u over the user's turns (the dialogue's where users are
    not known), nan with fewer than two of them. `two-class` (Kim et al., WSDM 2014; Weibull: Liu et al.,
    SIGIR 2010): ln f_1(d / r) − ln f_0(d / r) of satisfied and dissatisfied dwell. They fit each to labelled
    dwell; here nothing is labelled, so both come from a mixture fitted to the transitions that are measured
    (mixture.py), and the longer kind is taken to be the satisfied one.

    nan where a time is missing or runs backwards, and where no reply was recorded: the dwell of a dialogue's
    last turn is censored then, not short. Raw dwell pays for long turns: whoever optimises it talks more.
    """

    def __init__(self, options: DwellOptions | None = None) -> None:
        self.options = options or DwellOptions()

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N]."""
        seconds = np.array([_seconds(t) for t in transitions], dtype=np.float64)
        match self.options.variant:
            case "raw":
                values = seconds
            case "normalised":
                values = np.log(seconds / self._reading(transitions))
            case "log-z":
                values = _standardised(np.log(seconds), [t.user or t.dialogue for t in transitions])
            case "two-class":
                values, seen = seconds / self._reading(transitions), ~np.isnan(seconds)
                values[seen] = log_likelihood_ratio(values[seen], self.options.family)
        return Signal("dwell", values, _UNITS[self.options.variant], turns.source(transitions))

    def _reading(self, transitions: Sequence[Transition]) -> NDArray[np.float64]:
        """r in seconds; a turn without words takes the time of one."""
        words = [max(1, len((t.action.text or "").split())) for t in transitions]
        return np.array(words, dtype=np.float64) * 60 / self.options.words_per_minute


def _seconds(transition: Transition) -> float:
    sent, reply = turns.system_turn(transition), transition.reply
    if sent is None or sent.seconds is None or reply is None or reply.seconds is None:
        return float("nan")
    seconds = reply.seconds - sent.seconds
    return seconds if seconds > 0 else float("nan")


def _standardised(values: NDArray[np.float64], groups: Sequence[str]) -> NDArray[np.float64]:
    """Minus the mean, over the standard deviation (n − 1) of the group's observed values."""
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        if not np.isnan(values[i]):
            members.setdefault(group, []).append(i)
    result = np.full(len(values), np.nan)
    for rows in members.values():
        if len(rows) > 1 and (spread := values[rows].std(ddof=1)) > 0:
            result[rows] = (values[rows] - values[rows].mean()) / spread
    return result
