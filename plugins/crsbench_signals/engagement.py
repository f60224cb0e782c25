"""Engagement: signs of interest in the user's reply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crsbench.types import Signal, Transition, Turn
from crsbench_signals import turns
from crsbench_signals.options import EngagementOptions

_NAN = float("nan")


class Engagement:
    """The share of four signs that are there: the user replies, asks a question, takes the item up again (an
    item of the system turn is mentioned, or its title stands in the reply), and is not known to leave.

    The other variants are one sign alone, 0 or 1 (`reply`, `question`, `again`, `stays`), and the `length` of
    the reply in words. It is not among the four: rewarding it makes dialogue worse (Pang et al., EACL 2024).
    nan where the recording stops before a reply, and `question`, `again` and `length` wherever there is none;
    where it stops after one, nobody is known to have left.
    """

    def __init__(self, options: EngagementOptions | None = None) -> None:
        self.options = options or EngagementOptions()

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N]; of `signs` in {0, ¼, ½, ¾, 1}."""
        variant = self.options.variant
        units = {"signs": "share of four signs", "length": "words"}
        values = np.array([_signs(t)[variant] for t in transitions], dtype=np.float64)
        return Signal("engagement", values, units.get(variant, "0 or 1"), turns.source(transitions))


def _signs(transition: Transition) -> dict[str, float]:
    """Every variant's value."""
    reply = transition.reply
    replies, stays = float(reply is not None), float(not transition.done)
    if reply is None:
        alone = {"length": _NAN, "question": _NAN, "again": _NAN}
        known = {"reply": replies, "stays": stays, "signs": (replies + stays) / 4}
        return alone | (dict.fromkeys(known, _NAN) if transition.censored else known)
    asks, again = float("?" in reply.text), float(_again(transition, reply))
    return {
        "reply": replies,
        "length": float(len(reply.text.split())),
        "question": asks,
        "again": again,
        "stays": stays,
        "signs": (replies + asks + again + stays) / 4,
    }


def _again(transition: Transition, reply: Turn) -> bool:
    """Whether the reply names an item of the system turn."""
    shown = set(transition.action.items)
    sent = turns.system_turn(transition)
    titles = [m.name for m in sent.mentions if m.item in shown] if sent else []
    return any(m.item in shown for m in reply.mentions) or any(title in reply.text for title in titles)
