"""`hybrid`: every counting feature, combined by rankers that learn from train, and in the end from valid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from crsbench_features.boosting import boost, boost_together, dataset
from crsbench_features.candidates import BATCH, Candidates
from crsbench_features.examples import Example, examples
from crsbench_features.remembered import Remembered
from numpy.typing import NDArray

from crsbench.errors import DataError
from crsbench.types import FOLDS, Split, State
from crsbench_classic.base import Baseline
from crsbench_classic.options import HybridOptions
from crsbench_classic.table import columns, table

if TYPE_CHECKING:
    from crsbench.protocols import Context

NEGATIVES = 100  # candidates of a training row that are learnt from beside its targets
STOPPED = 2  # rankers of train alone, by which valid says how many trees are enough
RANKERS = 4  # of train and valid, that differ by their seed; their mean is steadier than each

_Lines = tuple[NDArray[np.float32], NDArray[np.bool_], list[int]]


class Hybrid(Baseline):
    """LambdaMART (Burges, MSR-TR-2010-82; lightgbm) over the counting features of `crsbench_features`.

    What it counts (candidates.py): copies, links and titles in the conversation (grounding.py); what is
    remembered of rows, dialogues and items alike (memory.py); what of both changes when titles that only seem
    to be named count, too; how likely the last two turns make it that something named is recommended again
    (repeats.py); each also as its share of the largest in the state; and what is known of the state alone.

    A training row is a recommendation with a target among its candidates, its features those of the other
    folds: about 100 of its candidates stand against its targets. Rankers of the rows of train say how many
    trees make NDCG@50 on the valid rows highest; rankers of the rows of train and valid, of as many trees,
    are then what ranks. What is no candidate stands behind, in the order of fusion, which chose the
    candidates.

    Four rankers of different seeds are averaged; the seed chooses the candidates that are learnt from and
    the features and rows that each tree is shown. With `encoder` the features of sentences.py join.
    """

    options: HybridOptions

    def __init__(self, options: HybridOptions | None = None) -> None:
        super().__init__(options or HybridOptions())

    def learn(self, train: Split, ctx: Context) -> None:
        rows = list(examples(train.dialogues))
        if not rows:
            raise DataError("hybrid has nothing to learn from: train labels no recommendation")
        known = Remembered(train, ctx.valid, len(ctx.catalog))
        scored = [Example(row.state, row.targets, known.fold(row.dialogue), 0) for row in ctx.valid.rows]
        told = [
            replace(row, fold=known.fold(ctx.valid.dialogues[row.dialogue].id))
            for row in examples(ctx.valid.dialogues)
        ]
        chosen = self.options.candidates, self.options.encoder
        self.candidates = Candidates.fit(known.dialogues, ctx.catalog, *chosen)
        rng = np.random.default_rng(ctx.seed)
        of_train = self._lines(rows, ctx, "training rows", rng)
        judged = self._lines(scored or told, ctx, "valid rows")
        learnt = dataset(*of_train)
        first, trees = (STOPPED + RANKERS) * ctx.seed, self.options.trees
        stopped = boost_together(
            [learnt] * STOPPED, dataset(*judged, like=learnt), first, trees, ctx, "trees of train"
        )
        of_valid = self._lines(told or scored, ctx, "rows of valid to learn from", rng)
        learnt = dataset(*(np.concatenate(both) for both in zip(of_train, of_valid, strict=True)))
        trees = stopped[0].num_trees()
        self.rankers = [
            boost(learnt, first + STOPPED + n, trees, ctx, f"ranker {n + 1}") for n in range(RANKERS)
        ]

    def _lines(
        self, rows: Sequence[Example], ctx: Context, what: str, thin: np.random.Generator | None = None
    ) -> _Lines:
        """Lines, hits and sizes of the rows that have a target among their candidates, out of fold.

        `thin` draws those of the other candidates that are kept; without it all are.
        """
        features: list[NDArray[np.float32]] = []
        labels: list[NDArray[np.bool_]] = []
        for fold, batch in ctx.progress(batches := list(_batches(rows)), len(batches), what):
            found = table(self.candidates, [row.state for row in batch], fold)
            for row, items, lines in zip(batch, found.items, found.lines, strict=True):
                hit = np.isin(items, row.targets)
                if not hit.any():
                    continue
                keep = hit | (thin.random(len(items)) < NEGATIVES / len(items)) if thin else slice(None)
                features.append(lines[keep])
                labels.append(hit[keep])
        if not labels:
            raise DataError(f"hybrid has nothing to learn from: no candidate of its {what} is a target")
        return np.concatenate(features), np.concatenate(labels), [len(hits) for hits in labels]

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        """The ranker's score for candidates; the others come after them, by fusion."""
        for start in range(0, len(states), BATCH):
            found = table(self.candidates, states[start : start + BATCH])
            lines = found.lines.reshape(-1, found.lines.shape[2])
            mean = np.mean([ranker.predict(lines, num_threads=1) for ranker in self.rankers], axis=0)
            mean = mean.astype(np.float32).reshape(found.items.shape)
            for scores, items, ranked in zip(found.fused, found.items, mean, strict=True):
                scores += ranked.min() - scores.max() - 1
                scores[items] = ranked
                yield scores

    def save(self, directory: Path) -> None:
        """Write what the features remember, the rankers in lightgbm's text form, and hybrid.json."""
        self.candidates.save(directory)
        for n, ranker in enumerate(self.rankers):
            ranker.save_model(directory / f"ranker-{n}.txt")
        settings = {
            "candidates": self.candidates.number,
            "encoder": self.candidates.sentences is not None,
            "features": columns(self.candidates),
        }
        (directory / "hybrid.json").write_text(json.dumps(settings, indent=1))

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (no network in it)
        from lightgbm import Booster

        settings = json.loads((directory / "hybrid.json").read_text())
        self.candidates = Candidates.load(directory, settings["candidates"], settings["encoder"])
        if list(columns(self.candidates)) != settings["features"]:
            raise DataError(f"{directory} was written by a version with other features")
        self.rankers = [Booster(model_file=directory / f"ranker-{n}.txt") for n in range(RANKERS)]
        return self


def _batches(rows: Sequence[Example]) -> Iterator[tuple[int | None, list[Example]]]:
    """At most `BATCH` rows at once, of one fold (None: of no dialogue that is remembered)."""
    for fold in (*range(FOLDS), None):
        chosen = [row for row in rows if row.fold == fold]
        for start in range(0, len(chosen), BATCH):
            yield fold, chosen[start : start + BATCH]
