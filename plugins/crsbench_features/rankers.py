"""What trees make of the features of candidates: LambdaMART (boosting.py), nowhere with the answer in sight.

Of three rankers each leaves out a part of the folds of train, and a row of train is judged by the one that
left it out. So whoever learns what to add to them (`sft`) learns from rankers that are no better on the rows
of train than elsewhere: what they learn from has not seen its own fold, and they have not seen the row's.
(Other rows' features have counted it among their neighbours: stacking is out of fold to the first order.)
None has learnt from valid, which says how many trees are enough: a row of valid is judged by the mean of the
three.

Once valid has chosen all that it is there for, four rankers learn from train and valid alike, and differ by
their seed and by the candidates that they learn from: any other state is judged by their mean. `hybrid` is no
more than that, and `sft` of the same seed has the same trees.

Cost: 1.5 ms of one core for each state and ranker; seven are fitted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from crsbench.errors import DataError
from crsbench_features.boosting import boost, boost_together, dataset
from crsbench_features.connections import CONTEXT

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

    from crsbench.protocols import Context

RANKERS = 3  # that have each left out a part of the folds
WHOLE = 4  # that have learnt from all: their mean is steadier than each
ROWS = 16_000  # recommendations that a ranker learns from, and as many of valid that judge it
TIMES = "times"  # the feature that says how often an item was named
SETTINGS = "rankers.json"
NEGATIVES = 100  # candidates of a row that are learnt from beside its targets, about

_Lines = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A recommendation: float16 [C, F] of its candidates, which of them are targets [C], and the fold that is
    left out of what the features count (None: none is)."""

    features: NDArray[np.float16]
    hits: NDArray[np.bool_]
    fold: int | None


class Rankers:
    """Boosters: the n-th has not seen fold f where f mod `RANKERS` is n; `WHOLE` after them have seen all,
    valid as well (before there are any, a state of no fold is judged by those that there are).

    `offset` is added for candidates that were named before. `names` are those of the F features. A line of a
    candidate holds them, and each but what is known of the state alone also as its share of the largest of
    the candidates. Without boosters: 0.
    """

    def __init__(self, names: Sequence[str], boosters: Sequence[Booster] = (), offset: float = 0.0) -> None:
        self.names, self.boosters, self.offset = tuple(names), list(boosters), offset
        self._times = names.index(TIMES) if TIMES in names else None
        self._shared = [f for f, name in enumerate(names) if name not in CONTEXT]

    @property
    def _whole(self) -> list[Booster]:
        return self.boosters[RANKERS:] or self.boosters

    @classmethod
    def fit(
        cls,
        train: Sequence[Labelled],
        valid: Sequence[Labelled],
        names: Sequence[str],
        trees: int,
        ctx: Context,
    ) -> Self:
        """The first `RANKERS`, of at most so many trees, stopped by valid.

        No boosters where no candidate is a target.
        """
        made, rng = cls(names), np.random.default_rng([ctx.seed, 4])
        seen: list[Dataset] = []
        for n in range(RANKERS):
            others = [one for one in train if one.fold is not None and one.fold % RANKERS != n]
            lines = made._lines(others, ROWS, rng)
            if lines is None:
                return made
            seen.append(dataset(*lines, like=seen[0] if seen else None))
        held_out = made._lines(valid, ROWS)
        if held_out is not None:
            judged = dataset(*held_out, like=seen[0])
            seed = (RANKERS + WHOLE) * ctx.seed
            made.boosters = boost_together(seen, judged, seed, trees, ctx, "trees of train")
        return made

    def whole(self, known: Sequence[Labelled], offset: float, ctx: Context) -> Self:
        """With those that have learnt from all that is known, of as many trees; `offset` is added."""
        made = type(self)(self.names, self.boosters[:RANKERS], offset)
        rng = np.random.default_rng([ctx.seed, 5])
        for n in range(RANKERS, RANKERS + WHOLE):
            lines = made._lines(known, ROWS, rng)
            assert lines is not None  # the first have learnt from these
            seed, trees = (RANKERS + WHOLE) * ctx.seed + n, self.boosters[0].num_trees()
            made.boosters.append(boost(dataset(*lines), seed, trees, ctx, f"ranker {n - RANKERS + 1}"))
        return made

    def _lines(
        self, made: Sequence[Labelled], most: int, thin: np.random.Generator | None = None
    ) -> _Lines | None:
        """Lines, hits and sizes of `most` recommendations with a target among their candidates.

        `thin` draws those of the other candidates that are kept; without it all are.
        """
        told = [one for one in made if one.hits.any()]
        if not told:
            return None
        lines, hits = [], []
        for at in np.linspace(0, len(told) - 1, min(len(told), most)).astype(int):
            hit = told[at].hits
            kept = hit | (thin.random(len(hit)) < NEGATIVES / len(hit)) if thin else np.ones(len(hit), bool)
            lines.append(self._columns(told[at].features)[kept])
            hits.append(hit[kept])
        return np.concatenate(lines), np.concatenate(hits), np.array([len(hit) for hit in hits])

    def _columns(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """[..., C, F] → [..., C, columns]: the features, and their shares."""
        x = features.astype(np.float32)
        counted = x[..., self._shared]
        return np.concatenate([x, counted / np.maximum(counted.max(axis=-2, keepdims=True), 1e-9)], axis=-1)

    def scores(self, features: NDArray[np.float16], fold: int | None) -> NDArray[np.float32]:
        """[S, C, F] of states of one fold of train (None: of none) → [S, C], 0 for each one's lowest."""
        if not self.boosters:
            return np.zeros(features.shape[:2], np.float32)
        asked = self._whole if fold is None else [self.boosters[fold % RANKERS]]
        lines = self._columns(features).reshape(-1, features.shape[2] + len(self._shared))
        found = np.mean([booster.predict(lines, num_threads=1) for booster in asked], axis=0)
        found = found.reshape(features.shape[:2]).astype(np.float32) + self.offset * self.named(features)
        return found - found.min(axis=1, keepdims=True)

    def named(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """[..., C, F] → [..., C]: 1 for the candidates that were named before."""
        if self._times is None:
            return np.zeros(features.shape[:-1], np.float32)
        return (features[..., self._times] > 0).astype(np.float32)

    def contributions(self, features: NDArray[np.float16], candidate: int) -> NDArray[np.float64]:
        """What each of the F features [C, F] of a state adds to one candidate's score outside of train, [F].

        Shapley values of the trees (Lundberg et al., 2020, Nature Machine Intelligence 2).
        """
        F = features.shape[1]
        if not self.boosters:
            return np.zeros(F)
        line = self._columns(features)[[candidate]]
        found = [booster.predict(line, pred_contrib=True, num_threads=1) for booster in self._whole]
        (columns,) = np.mean(found, axis=0)[:, :-1]  # (the last is what trees say of nothing)
        added = columns[:F].copy()
        added[self._shared] += columns[F:]
        if self._times is not None:
            added[self._times] += self.offset * self.named(features[None, [candidate]])[0, 0]
        return added

    def save(self, directory: Path) -> None:
        """Write lightgbm's text form, and rankers.json."""
        for n, booster in enumerate(self.boosters):
            booster.save_model(directory / f"ranker-{n}.txt")
        if self.boosters:
            (directory / SETTINGS).write_text(json.dumps({"offset": self.offset}))

    @classmethod
    def load(cls, directory: Path, names: Sequence[str]) -> Self:
        """Read what `save` wrote. Raises DataError where only a part of it is there."""
        from lightgbm import Booster

        files = [*(directory / f"ranker-{n}.txt" for n in range(RANKERS + WHOLE)), directory / SETTINGS]
        there = [file for file in files if file.exists()]
        if there and there != files:
            some = f"{len(there)} of {len(files)} files of rankers"
            raise DataError(f"{directory} holds {some}", "train the policy again")
        if not there:
            return cls(names)
        *of_boosters, settings = files
        offset = json.loads(settings.read_text())["offset"]
        return cls(names, [Booster(model_file=file) for file in of_boosters], offset)
