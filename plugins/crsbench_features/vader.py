"""VADER, a lexicon of sentiment with rules for negation and emphasis (Hutto & Gilbert, ICWSM 2014)."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nltk.sentiment.vader import SentimentIntensityAnalyzer

LEXICON = "vader_lexicon.txt"


class Scores(NamedTuple):
    """`positive` and `negative` are the shares of such words in [0, 1], each weighed by its strength;
    `compound` is the summed strength s of all words as s / √(s² + 15), in [−1, 1]."""

    positive: float
    negative: float
    compound: float


@functools.lru_cache(maxsize=100_000)
def scores(text: str) -> Scores:
    """How a text sounds; all zero where it has no word that the lexicon knows."""
    found = _analyzer().polarity_scores(text)
    return Scores(float(found["pos"]), float(found["neg"]), float(found["compound"]))


def compound(text: str) -> float:
    """c of a text."""
    return scores(text).compound


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
