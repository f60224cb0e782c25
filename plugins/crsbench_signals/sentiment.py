"""Sentiment: how the reply sounds."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crsbench.types import Signal, Transition, Turn
from crsbench_signals import turns
from crsbench_signals.options import SentimentOptions

if TYPE_CHECKING:
    from nltk.sentiment.vader import SentimentIntensityAnalyzer

LEXICON = "vader_lexicon.txt"
_WORD = re.compile(r"\w")


class Sentiment:
    """VADER's compound polarity of the reply (Hutto & Gilbert, ICWSM 2014), in [−1, 1].

    Titles of items are taken out first: "Happy Ending" is a name and no praise. nan where there is no reply,
    or none with words in it.
    """

    def __init__(self, options: SentimentOptions | None = None) -> None:
        self.options = options or SentimentOptions()

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N]."""
        values = np.array([_polarity(t) for t in transitions], dtype=np.float64)
        return Signal("sentiment", values, "VADER compound", turns.source(transitions))


def without_titles(reply: Turn, titles: Sequence[str]) -> str:
    """The reply's text without the spans that name items, and without `titles` as whole words."""
    text = reply.text
    spans = [m.span for m in reply.mentions if m.item is not None and m.span is not None]
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    for title in titles:
        text = re.sub(rf"(?<!\w){re.escape(title)}(?!\w)", " ", text)
    return " ".join(text.split())


def _polarity(transition: Transition) -> float:
    if transition.reply is None:
        return float("nan")
    text = without_titles(transition.reply, turns.titles(transition))
    return compound(text) if _WORD.search(text) else float("nan")


@functools.lru_cache(maxsize=100_000)
def compound(text: str) -> float:
    """VADER's compound polarity of a text."""
    return float(_analyzer().polarity_scores(text)["compound"])


@functools.cache
def _analyzer() -> SentimentIntensityAnalyzer:
    """NLTK's VADER with the lexicon that the package vaderSentiment carries: nothing is downloaded.

    NLTK takes no absolute paths, so the package's folder joins those that it searches.
    """
    import nltk
    from nltk.sentiment.vader import SentimentIntensityAnalyzer

    package = importlib.util.find_spec("vaderSentiment")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package vaderSentiment, which carries the lexicon, is not installed")
    folder = str(Path(package.origin).parent)
    if folder not in nltk.data.path:
        nltk.data.path.append(folder)
    return SentimentIntensityAnalyzer(LEXICON)
