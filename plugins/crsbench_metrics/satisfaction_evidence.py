"""What speaks for satisfaction_predicted, and what against it: people's ratings, and scenarios' truth.

As a command with a data folder it fits the estimator that is shipped, and prints `satisfaction_weights.py`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import numpy as np
from crsbench_corpora.uss import FILE, RatedDialogue, read_uss
from crsbench_synthetic import policies, simulator
from numpy.typing import NDArray

from crsbench.asking import Actor, Users
from crsbench.episode import FIRST_USER, rollout
from crsbench.intervals import Interval, bootstrap
from crsbench.types import Episode, Evidence, Split, Turn
from crsbench.ui import SilentUi
from crsbench_metrics.agreement import recall_and_f1, slope, spearman
from crsbench_metrics.conduct import SIGNS
from crsbench_metrics.satisfaction import Estimator, predict, read, turns
from crsbench_metrics.satisfaction_turns import Moment, TurnEstimator, majority, moments

Floats = NDArray[np.float64]
NAME = "satisfaction_predicted"
FOLDS = 5
USERS = 100  # of a scenario, who meet each of its policies
SIMULATORS = (
    simulator.SyntheticSimulator,
    simulator.NoisySimulator,
    simulator.PoliteSimulator,
    simulator.DistractedSimulator,
    simulator.ClickbaitSimulator,
    simulator.ColdSimulator,
    simulator.DriftSimulator,
)
BOUNDS = (policies.Logger, policies.BestQuality, policies.Oracle)


def uss(data_dir: Path) -> list[Evidence]:
    """Dialogues and turns of USS, five-fold by dialogue. Raises DataError where the file is missing."""
    rated = read_uss(data_dir / FILE)
    known = moments(rated)
    return [*_dialogues(rated), *_turns(known, True), *_turns(known, False)]


def signs_of(rated: Sequence[RatedDialogue]) -> tuple[Floats, Floats]:
    """What `Estimator.fit` learns from: the signs [N, K] and the mean overall ratings [N]."""
    columns = read([[Turn(turn.speaker, turn.text) for turn in one.turns] for one in rated])
    return columns, np.array([fmean(one.overall) for one in rated])


def cross_fitted(columns: Floats, ratings: Floats, fold: NDArray[np.int64]) -> Floats:
    """What the estimator says of each dialogue when it was fitted to the other folds: [N]."""
    found = np.zeros(len(ratings))
    for one in range(FOLDS):
        own = fold == one
        found[own] = Estimator.fit(columns[~own], ratings[~own]).predict(columns[own])
    return found


def _dialogues(rated: Sequence[RatedDialogue]) -> list[Evidence]:
    columns, ratings = signs_of(rated)
    names = [one.id for one in rated]
    fold = _folds(names)
    said = cross_fitted(columns, ratings, fold)
    words = np.array([math.log1p(sum(len(t.text.split()) for t in one.turns)) for one in rated])
    data = "USS, dialogues rated by readers, five-fold"
    sentiment = columns[:, list(SIGNS).index("sentiment")]
    return [
        _row(data, "Spearman", spearman(said, ratings, names)),
        _row(data, "Spearman of the user's sentiment alone", spearman(sentiment, ratings, names)),
        *_against(data, said, ratings, words, names, fold),
        _people(data, [one.overall for one in rated], names),
    ]


def _turns(known: Sequence[Moment], replied: bool) -> list[Evidence]:
    """The estimators of `satisfaction_turns`, which learn words."""
    names = [one.dialogue for one in known]
    fold = _folds(names)
    means = np.array([fmean(one.ratings) for one in known])
    classes = np.array([majority(one.ratings) for one in known])
    mean, chosen = np.zeros(len(known)), np.zeros(len(known), np.int64)
    for one in range(FOLDS):
        own = np.flatnonzero(fold == one)
        estimator = TurnEstimator(replied).fit([known[i] for i in np.flatnonzero(fold != one)])
        mean[own], chosen[own] = estimator.predict([known[i] for i in own])
    what = "with the rated message" if replied else "context and system turn only"
    data = f"USS, turns rated by readers, five-fold by dialogue, words, {what}"
    recall, f1 = recall_and_f1(chosen, classes, names, low=3)
    words = np.array([math.log1p(len((m.said if replied else m.system).split())) for m in known])
    rows = [
        _row(data, "Spearman", spearman(mean, means, names)),
        _row(data, "UAR", recall),
        _row(data, "F1 of dissatisfied", f1),
        *_against(data, mean, means, words, names, fold),
    ]
    return [*rows, _people(data, [m.ratings for m in known], names)] if replied else rows


def _against(
    data: str, said: Floats, ratings: Floats, words: Floats, names: Sequence[str], fold: NDArray[np.int64]
) -> list[Evidence]:
    """Calibration, and paired differences in squared error to what knows nothing: the mean and the length."""
    constant, length = np.zeros(len(ratings)), np.zeros(len(ratings))
    for one in range(FOLDS):
        own = fold == one
        constant[own] = ratings[~own].mean()
        length[own] = np.poly1d(np.polyfit(words[~own], ratings[~own], 1))(words[own])
    error = (said - ratings) ** 2
    gain = {"constant": (constant - ratings) ** 2 - error, "length alone": (length - ratings) ** 2 - error}
    bias = bootstrap((said - ratings).tolist(), names)
    return [
        _row(data, "Spearman of the length alone", spearman(length, ratings, names)),
        *(
            _row(data, f"squared error of the {what} minus its own", bootstrap(more.tolist(), names))
            for what, more in gain.items()
        ),
        _row(data, "calibration: mean of prediction minus rating", bias),
        _row(data, "calibration: slope of rating on prediction", slope(said, ratings, names)),
    ]


def _people(data: str, ratings: Sequence[Sequence[int]], names: Sequence[str]) -> Evidence:
    """The ceiling: each rating against the mean of the others of the same."""
    pairs = [
        (one, (sum(all_of) - one) / (len(all_of) - 1), name)
        for all_of, name in zip(ratings, names, strict=True)
        for one in all_of
        if len(all_of) > 1
    ]
    own, others, groups = zip(*pairs, strict=True)
    found = spearman(np.array(own, np.float64), np.array(others), groups)
    return _row(data, "Spearman of one rater with the others", found)


def scenarios() -> list[Evidence]:
    """In each scenario: episodes of three policies, what is predicted against the true mean of z."""
    found: list[Evidence] = []
    for kind in SIMULATORS:
        users = kind()
        played = {bound.__name__: _episodes(users, bound) for bound in BOUNDS}
        episodes = [episode for some in played.values() for episode in some]
        true = np.array([fmean(e.truth.satisfied) if e.truth else math.nan for e in episodes])
        said = predict([turns(episode) for episode in episodes])
        data = f"{users.scenario.name}, true satisfaction, {len(BOUNDS)} policies with {USERS} users each"
        seeds = [str(episode.seed) for episode in episodes]
        found.append(_row(data, "Spearman of episodes", spearman(said, true, seeds)))
        means = [column.reshape(len(BOUNDS), USERS).mean(axis=1) for column in (said, true)]
        order = Interval(_kendall(*means), math.nan, math.nan, len(BOUNDS))
        found.append(_row(data, "Kendall's tau of policies", order))
    return found


def _episodes(users: simulator.SyntheticSimulator, bound: type[Any]) -> list[Episode]:
    """With the first users of an evaluation, by the loop of a run."""
    policy = bound().fit(Split(), SimpleNamespace(catalog=users.catalog))
    actor = Actor("final", policy, f"crsbench/{bound.__name__}", len(users.catalog), privileged=True)
    asked = Users(users, users.scenario.name)
    seeds = [FIRST_USER + n for n in range(USERS)]
    rng = np.random.default_rng(0)
    return rollout(actor, asked, users.catalog, seeds, "sampled", rng, SilentUi())


def _kendall(a: Floats, b: Floats) -> float:
    """τ without ties: pairs in the same order minus pairs in opposite orders, by all pairs."""
    pairs = [(a[i] - a[j]) * (b[i] - b[j]) for i in range(len(a)) for j in range(i)]
    return fmean(float(np.sign(pair)) for pair in pairs)


def _folds(dialogues: Sequence[str]) -> NDArray[np.int64]:
    """The fold of each, from the dialogue's number in the file."""
    return np.array([int(name) % FOLDS for name in dialogues])


def _row(data: str, measure: str, found: Interval) -> Evidence:
    return Evidence(NAME, data, measure, *astuple(found))


def weights(rated: Sequence[RatedDialogue]) -> str:
    """The source of `satisfaction_weights.py`: the estimator fitted to all that was rated."""
    found = Estimator.fit(*signs_of(rated))
    lines = [f'    "{name}": {weight:.8f},' for name, weight in zip(SIGNS, found.weights, strict=True)]
    told = '"""What satisfaction_predicted has learnt from USS: printed by `satisfaction_evidence`."""'
    return "\n".join([told, "", f"INTERCEPT = {found.intercept:.8f}", "WEIGHTS = {", *lines, "}", ""])


if __name__ == "__main__":
    print(weights(read_uss(Path(sys.argv[1]) / FILE)), end="")
