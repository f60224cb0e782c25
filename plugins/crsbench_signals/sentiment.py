"""Sentiment: how the user sounds after a system turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from crsbench_features.vader import compound, scores

from crsbench.types import Signal, Transition, Turn
from crsbench_signals import turns
from crsbench_signals.options import LaterSentimentOptions, SentimentOptions
from crsbench_signals.sentences import about, masked

_WORD = re.compile(r"\w")
_UNITS = {
    "polarity": "VADER compound, or minus the share of negative words where there are any",
    "compound": "VADER compound",
    "positive": "share of positive words",
    "negative": "minus the share of negative words",
    "shift": "difference of VADER compounds",
}


class Sentiment:
    """VADER's view of what the user says, its words' positive share p, negative share n and compound c.

    Read are, as `turns` says, the `reply`, the user's `later` turns as far as they are on record, or `all` of
    these, as one text. Titles of items are taken out first ("Happy Ending" is a name and no praise), and so
    are sentences that name something else than what was recommended: "I hate horror" is about no comedy.

    `polarity`: c where n = 0, else −n, in [−1, 1]: praise counts where nothing is complained of. People wrap
    complaints in courtesies, and bad is stronger than good (Baumeister et al., Review of General Psychology
    2001). `compound`: c. `positive`: p. `negative`: −n, so that more is better as everywhere. `shift`:
    p_{t+1} − p_t with c for p, against the user's last turn before the system's.

    nan where there is no such turn, or none with words in it.
    """

    name: ClassVar[str] = "sentiment"

    def __init__(self, options: SentimentOptions | None = None) -> None:
        self.options = options or SentimentOptions()

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N]."""
        values = np.array([self._value(t) for t in transitions], dtype=np.float64)
        return Signal(self.name, values, _UNITS[self.options.variant], turns.source(transitions))

    def _value(self, transition: Transition) -> float:
        text = _text(self._chosen(transition), transition)
        if not _WORD.search(text):
            return float("nan")
        found = scores(text)
        match self.options.variant:
            case "polarity":
                return -found.negative if found.negative > 0 else found.compound
            case "compound":
                return found.compound
            case "positive":
                return found.positive
            case "negative":
                return -found.negative
            case "shift":
                before = _mood(transition)
                return found.compound - compound(before) if _WORD.search(before) else float("nan")

    def _chosen(self, transition: Transition) -> tuple[Turn, ...]:
        reply = (transition.reply,) if transition.reply and self.options.turns != "later" else ()
        later = turns.of_user(transition.later) if self.options.turns != "reply" else ()
        return reply + later


class LaterSentiment(Sentiment):
    """The same of the user's turns after the reply: the complaints that were still to come.

    `negative` by default: what is praised later on is mostly another item, or the conversation.
    """

    name = "sentiment-later"

    def __init__(self, options: LaterSentimentOptions | None = None) -> None:
        super().__init__(options or LaterSentimentOptions())


def _text(said: Sequence[Turn], transition: Transition) -> str:
    """What the turns say of what was recommended, as one text, without the titles that anybody named."""
    titles = turns.titles((*said, turns.system_turn(transition)))
    return " ".join(about(turn, transition.action.items, titles) for turn in said)


def _mood(transition: Transition) -> str:
    """The user's last turn before the system's, whatever it speaks of."""
    said = turns.of_user(transition.state.history)[-1:]
    return " ".join(masked(turn, turns.titles(said)) for turn in said)
