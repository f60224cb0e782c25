"""Dwell: the time from the system turn to the user's reply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Signal, Transition
from crsbench_signals import turns
from crsbench_signals.options import DwellOptions

_UNITS = {"raw": "s", "normalised": "ln(dwell / reading time)", "log-z": "standard deviations of ln s"}


class Dwell:
    """`raw`: d seconds. `normalised`: ln(d / r) with the reading time r = words · 60 / `words_per_minute`.
    `log-z` (Yi et al., RecSys 2014): (ln d − μ_u) / σ_u over the user's turns (the dialogue's where users are
    not known), nan with fewer than two of them.

    nan where a time is missing or runs backwards, and where no reply was recorded: the dwell of a dialogue's
    last turn is censored then, not short. Raw dwell pays for long turns: whoever optimises it talks more.
    """

    def __init__(self, options: DwellOptions | None = None) -> None:
        self.options = options or DwellOptions()

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N]."""
        seconds = np.array([_seconds(t) for t in transitions], dtype=np.float64)
        if self.options.variant == "normalised":
            words = np.array([max(1, len((t.action.text or "").split())) for t in transitions], dtype=float)
            values = np.log(seconds) - np.log(words * 60 / self.options.words_per_minute)
        elif self.options.variant == "log-z":
            values = _standardised(np.log(seconds), [t.user or t.dialogue for t in transitions])
        else:
            values = seconds
        return Signal("dwell", values, _UNITS[self.options.variant], turns.source(transitions))


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
