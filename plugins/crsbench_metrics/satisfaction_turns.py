"""How satisfied a user is at a turn, by the words: of USS's own dialogues, and of no others.

Linear models over TF-IDF of 1-2-grams (with ! and ? as words) and the place in the dialogue: a ridge
regression of the mean rating, and a logistic regression of the majority rating in which every class weighs
the same. They learn how these people talk, and say nothing of dialogues with other systems (see
`satisfaction`): no metric rests on them. They show how much of the ratings can be read off a turn at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

import numpy as np
from crsbench_corpora.uss import RatedDialogue
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

_TITLE = re.compile(r'"[^"]*\(\d{4}\)"|@\d+')
_TERM = r"(?u)\b\w+\b|[!?]+"
PLACE = 0.3  # how much the place counts beside words
C = 0.2  # of the logistic regression
ALPHA = {True: 5.0, False: 30.0}  # of the ridge: what only came before says less


@dataclass(frozen=True, slots=True)
class Moment:
    """One rated message of a user: what both said last before it, itself, its place, its ratings."""

    dialogue: str
    system: str
    earlier: str
    said: str
    place: tuple[float, ...]
    ratings: tuple[int, ...]


def moments(dialogues: Sequence[RatedDialogue]) -> list[Moment]:
    """Every message of the users, in order. `place` knows nothing of what comes later."""
    found: list[Moment] = []
    for one in dialogues:
        said: dict[str, list[str]] = {"user": [], "system": []}
        for at, turn in enumerate(one.turns):
            if turn.ratings:
                system, earlier = ("\n".join(said[who][-1:]) for who in ("system", "user"))
                place = (float(at), float(at == 0), float(not said["system"]))
                found.append(Moment(one.id, system, earlier, turn.text, place, turn.ratings))
            said[turn.speaker].append(turn.text)
    return found


def majority(ratings: Sequence[int]) -> int:
    """The rating that most gave; of several the nearest to the mean, of those the lowest."""
    counts, mean = Counter(ratings), fmean(ratings)
    return min(counts, key=lambda rating: (-counts[rating], abs(rating - mean), rating))


class TurnEstimator:
    """`replied`: whether it reads the rated message, or only what came before it."""

    def __init__(self, replied: bool) -> None:
        self.replied = replied

    def fit(self, known: Sequence[Moment]) -> Self:
        settings: dict[str, Any] = {"ngram_range": (1, 2), "token_pattern": _TERM, "min_df": 2}
        self._words = [
            TfidfVectorizer(sublinear_tf=True, **settings).fit(texts) for texts in self._texts(known)
        ]
        places = np.array([one.place for one in known])
        self._centre, self._width = places.mean(axis=0), np.maximum(places.std(axis=0), 1e-9)
        columns = self._columns(known)
        # fixed random state and solver: the estimator belongs to the data alone
        self._mean = Ridge(ALPHA[self.replied], solver="sparse_cg", tol=1e-6)
        self._mean.fit(columns, [fmean(m.ratings) for m in known])
        self._class = LogisticRegression(C=C, class_weight="balanced", max_iter=1000)
        self._class.fit(columns, [majority(m.ratings) for m in known])
        return self

    def predict(self, asked: Sequence[Moment]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The mean rating, float64 [N], and the majority rating, int64 [N]."""
        columns = self._columns(asked)
        return np.asarray(self._mean.predict(columns)), np.asarray(self._class.predict(columns))

    def _texts(self, of: Sequence[Moment]) -> list[list[str]]:
        parts = [[m.said for m in of]] if self.replied else [[m.system for m in of], [m.earlier for m in of]]
        return [[_TITLE.sub(" title ", text).lower() for text in texts] for texts in parts]

    def _columns(self, of: Sequence[Moment]) -> Any:
        places = (np.array([one.place for one in of]) - self._centre) / self._width * PLACE
        texts = zip(self._words, self._texts(of), strict=True)
        return sparse.hstack([*(words.transform(said) for words, said in texts), places]).tocsr()
