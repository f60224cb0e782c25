"""What trees make of the evidence: LambdaMART (boosting.py), and nowhere with the answer in sight.

Of three rankers each leaves out a part of the folds of train. A row of train is judged by the ranker that
left it out, any other state by the mean of the three. So the language model learns what to add to rankers
that are as good on the rows of train as anywhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from crsbench_features.boosting import boost, dataset
from crsbench_features.connections import CONTEXT
from numpy.typing import NDArray

from crsbench.protocols import Context

if TYPE_CHECKING:
    from lightgbm import Booster

    from crsbench_lm.codec import Encoded

RANKERS = 3
TREES = 300
ROWS = 12_000  # of train that are learnt from, about
NEGATIVES = (
    100  # candidates of a row that are learnt from beside its targets; at most a tenth of the catalogue
)


class Rankers:
    """One for each part of the folds: the n-th has not seen fold f where f mod `RANKERS` is n."""

    def __init__(self, boosters: Sequence[Booster], names: Sequence[str]) -> None:
        self.boosters = list(boosters)
        self._shared = [f for f, name in enumerate(names) if name not in CONTEXT]

    @classmethod
    def fit(
        cls,
        train: Sequence[Encoded],
        valid: Sequence[Encoded],
        names: Sequence[str],
        items: int,
        ctx: Context,
    ) -> Self:
        """From the evidence of the rows; without any where no candidate is a target."""
        made, rng = cls((), names), np.random.default_rng([ctx.seed, 4])
        negatives = min(NEGATIVES, max(1, items // 10))
        parts = [
            [row for row in train if row.fold is not None and row.fold % RANKERS == n] for n in range(RANKERS)
        ]
        most = math.ceil(ROWS / RANKERS)
        lines = [made._lines(part, rng, negatives, most) for part in parts]
        held_out = made._lines(valid, rng, None, ROWS)
        for n in range(RANKERS):
            seen = [part for m, part in enumerate(lines) if m != n and part is not None]
            if not seen or held_out is None:
                return cls((), names)
            learnt = dataset(*(np.concatenate(arrays) for arrays in zip(*seen, strict=True)))
            judged = dataset(*held_out, like=learnt)
            made.boosters.append(boost(learnt, judged, RANKERS * ctx.seed + n, TREES, ctx, f"ranker {n + 1}"))
        return made

    def _lines(
        self, rows: Sequence[Encoded], rng: np.random.Generator, negatives: int | None, most: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]] | None:
        """Lines, hits and sizes of the labelled positions with a target among their candidates."""
        labelled = [
            (one, targets)
            for row in rows
            for one, targets in zip(row.evidence or (), row.targets, strict=True)
            if np.isin(one.items, targets).any()
        ]
        labelled = labelled[:: max(1, math.ceil(len(labelled) / most))]
        if not labelled:
            return None
        lines, hits = [], []
        for one, targets in labelled:
            hit = np.isin(one.items, targets)
            keep = hit | (rng.random(len(hit)) < (negatives or len(hit)) / len(hit))
            lines.append(self._columns(one.features)[keep])
            hits.append(hit[keep])
        return np.concatenate(lines), np.concatenate(hits), np.array([len(hit) for hit in hits])

    def _columns(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """[..., C, F] → [..., C, columns]: each feature, and its share of the largest of the candidates."""
        x = features.astype(np.float32)
        counted = x[..., self._shared]
        return np.concatenate([x, counted / np.maximum(counted.max(axis=-2, keepdims=True), 1e-9)], axis=-1)

    def scores(self, features: NDArray[np.float16], fold: int | None) -> NDArray[np.float32]:
        """[S, C, F] of states of one fold (None: of no row of train) → [S, C], ≥ 0 for the last of each."""
        if not self.boosters:
            return np.zeros(features.shape[:2], np.float32)
        asked = self.boosters if fold is None else [self.boosters[fold % RANKERS]]
        lines = self._columns(features).reshape(-1, features.shape[2] + len(self._shared))
        found = np.mean([booster.predict(lines, num_threads=1) for booster in asked], axis=0)
        found = found.reshape(features.shape[:2]).astype(np.float32)
        return found - found.min(axis=1, keepdims=True)

    def save(self, directory: Path) -> None:
        """Write lightgbm's text form."""
        for n, booster in enumerate(self.boosters):
            booster.save_model(directory / f"ranker-{n}.txt")

    @classmethod
    def load(cls, directory: Path, names: Sequence[str]) -> Self:
        from lightgbm import Booster

        files = [directory / f"ranker-{n}.txt" for n in range(RANKERS)]
        return cls([Booster(model_file=file) for file in files if file.exists()], names)
