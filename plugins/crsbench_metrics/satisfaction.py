"""satisfaction_predicted: how satisfied a reader would find the user of a conversation, 1 … 5.

What people rated (USS, Sun et al., SIGIR 2021) are dialogues of people with people. An estimator that learns
their words says nothing about dialogues of other systems: held against verdicts on nine of them it is at
chance. So this one reads conduct alone (`conduct.SIGNS`), whose directions are given and not learnt. It is a
generalised linear model with a logistic link,

    rating = 1 + 4 σ(b + Σ_k w_k x_k),        w_k · p_k ≥ 0

fitted by penalised quasi-likelihood (Papke & Wooldridge, 1996) of the mean ratings,

    Σ_n H(y_n, σ_n) + λ/2 Σ_k ((w_k − s p_k) / p_k)²        y = (rating − 1) / 4, H the cross entropy

that shrinks towards s · p, weights p given beforehand with a common scale s that is fitted first: improper
linear models carry over where few examples inform a weight (Dawes, American Psychologist 1979), and people
hardly ever repeat themselves as systems do. What was learnt from the ratings are sixteen numbers in
`satisfaction_weights.py`; `python -m crsbench_metrics.satisfaction_evidence DATA_DIR` prints them.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.errors import DataError
from crsbench.types import Absent, Corpus, Episode, Evidence, RankedRow, Turn, Values
from crsbench_metrics.conduct import SIGNS, signs
from crsbench_metrics.episodes import DECODINGS
from crsbench_metrics.satisfaction_weights import INTERCEPT, WEIGHTS

Floats = NDArray[np.float64]
SHRINKAGE = 3.0  # λ: of .3 … 10 none is better on USS by more than .02 in Spearman's correlation
_GIVEN = np.array(list(SIGNS.values()))


def read(dialogues: Sequence[Sequence[Turn]]) -> Floats:
    """The signs of N dialogues, float64 [N, K]."""
    return np.array([list(signs(turns).values()) for turns in dialogues], np.float64).reshape(-1, len(SIGNS))


@dataclass(frozen=True, slots=True)
class Estimator:
    """`weights` float64 [K], one a sign, in the order of `SIGNS`."""

    intercept: float
    weights: Floats

    def predict(self, read: Floats) -> Floats:
        """Ratings in (1, 5) from signs [N, K]."""
        return 1 + 4 * _sigmoid(self.intercept + read @ self.weights)

    @classmethod
    def fit(cls, read: Floats, ratings: Floats) -> Self:
        """From the signs [N, K] of dialogues and their mean ratings [N], 1 … 5."""
        optimize: Any = importlib.import_module("scipy.optimize")
        size, towards = np.abs(_GIVEN), read * np.sign(_GIVEN)
        y = (ratings - 1) / 4

        def loss(at: Floats, columns: Floats) -> tuple[float, Floats]:
            logits = at[0] + columns @ at[1:]
            errors = _sigmoid(logits) - y
            return float((np.logaddexp(0, logits) - y * logits).sum()), np.r_[errors.sum(), errors @ columns]

        def penalised(at: Floats) -> tuple[float, Floats]:
            value, gradient = loss(at, towards)
            away = at[1:] / size - scale
            gradient[1:] += SHRINKAGE * away / size
            return value + SHRINKAGE / 2 * float(away @ away), gradient

        settings: dict[str, Any] = {"jac": True, "method": "L-BFGS-B"}
        settings["options"] = {"maxiter": 5000, "ftol": 0.0, "gtol": 1e-9}
        together = (towards @ size)[:, None]
        start, scale = optimize.minimize(
            loss, np.zeros(2), args=(together,), bounds=[(None, None), (0, None)], **settings
        ).x
        bounds = [(None, None), *[(0, None)] * len(size)]
        found = optimize.minimize(penalised, np.r_[start, scale * size], bounds=bounds, **settings).x
        return cls(float(found[0]), found[1:] * np.sign(_GIVEN))


SHIPPED = Estimator(INTERCEPT, np.array([WEIGHTS[name] for name in SIGNS]))  # fitted to all of USS


def predict(dialogues: Sequence[Sequence[Turn]]) -> Floats:
    """The ratings, 1 … 5, that readers would give N dialogues: float64 [N]. Only turns are read."""
    return SHIPPED.predict(read(dialogues))


class SatisfactionPredicted:
    """One rating an episode, greedy and sampled apart; unit episode, subset all.

    Absent where nobody answers in words: with the users' replies empty, or the same in all conversations,
    nothing is to be read. It reads what users say, and a user who is polite deceives it: beside
    `satisfaction` in a scenario, that can be seen.
    """

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "episodes"
    name: ClassVar[str] = "satisfaction_predicted"

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def measure(
        self,
        judged: Sequence[RankedRow] | Sequence[Episode],
        corpus: Corpus,  # noqa: ARG002 (the episodes hold all that was said)
    ) -> list[Values | Absent]:
        episodes = cast("Sequence[Episode]", judged)
        if not episodes:
            return [Absent(self.name, "no simulator: there are no episodes")]
        replies = {step.reply.text.strip() for e in episodes for step in e.transitions if step.reply}
        if not any(replies):
            return [Absent(self.name, "the simulated users answer nothing that could be read")]
        if len(replies) == 1 and len(episodes) > 1:
            return [Absent(self.name, "the simulated users answer one and the same thing")]
        ratings = predict([turns(episode) for episode in episodes]).tolist()
        found: list[Values | Absent] = []
        for decoding in DECODINGS:
            chosen = [(e, r) for e, r in zip(episodes, ratings, strict=True) if e.decoding == decoding]
            if chosen:
                ids = tuple(f"{decoding}/{episode.seed}" for episode, _ in chosen)
                groups = tuple(str(episode.seed) for episode, _ in chosen)
                values = tuple(rating for _, rating in chosen)
                found.append(Values(self.name, "all", "episode", ids, groups, values, decoding=decoding))
        return found

    def evidence(self, data_dir: Path) -> list[Evidence | Absent]:
        """Against the ratings of USS, and against the truth of the scenarios."""
        from crsbench_metrics.satisfaction_evidence import scenarios, uss

        try:
            people: list[Evidence | Absent] = [*uss(data_dir)]
        except DataError as error:
            people = [Absent(self.name, str(error))]
        return [*people, *scenarios()]


def turns(episode: Episode) -> tuple[Turn, ...]:
    """All that was said."""
    return episode.transitions[-1].next_state.history if episode.transitions else ()


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
