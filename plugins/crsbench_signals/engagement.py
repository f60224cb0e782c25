"""Engagement: signs of interest in the user's reply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crsbench.types import Signal, Transition
from crsbench_signals import turns
from crsbench_signals.options import EngagementOptions


class Engagement:
    """The share of four signs that are there: the user replies, asks a question, takes the item up again (an
    item of the system turn is mentioned, or its title stands in the reply), and is not known to leave.

    The length of the reply is not among them: rewarding it makes dialogue worse (Pang et al., EACL 2024).
    nan where the recording stops before a reply; where it stops after one, nobody is known to have left.
    """

    def __init__(self, options: EngagementOptions | None = None) -> None:
        self.options = options or EngagementOptions()

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N] in {0, ¼, ½, ¾, 1}."""
        values = np.array([_share(t) for t in transitions], dtype=np.float64)
        return Signal("engagement", values, "share of four signs", turns.source(transitions))


def _share(transition: Transition) -> float:
    reply = transition.reply
    if reply is None:
        return float("nan") if transition.censored else (0.0 if transition.done else 0.25)
    asks = "?" in reply.text
    named = {m.item for m in reply.mentions if m.item is not None}
    sent = turns.system_turn(transition)
    titles = [m.name for m in sent.mentions if m.item in transition.action.items] if sent else []
    again = bool(named & set(transition.action.items)) or any(title in reply.text for title in titles)
    return (1 + asks + again + (not transition.done)) / 4
