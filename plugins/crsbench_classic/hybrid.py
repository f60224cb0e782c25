"""`hybrid`: every counting feature, combined by rankers that learn from train, and in the end from valid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from crsbench_features.candidates import BATCH, Candidates
from crsbench_features.examples import Example, examples
from crsbench_features.rankers import Labelled, Rankers
from crsbench_features.remembered import Remembered
from numpy.typing import NDArray

from crsbench.errors import DataError
from crsbench.types import FOLDS, Split, State
from crsbench_classic.base import Baseline
from crsbench_classic.options import HybridOptions

if TYPE_CHECKING:
    from crsbench.protocols import Context


class Hybrid(Baseline):
    """LambdaMART (Burges, MSR-TR-2010-82; lightgbm) over the counting features of `crsbench_features`.

    What it counts (candidates.py): copies, links and titles in the conversation (grounding.py); what is
    remembered of rows, dialogues and items alike (memory.py); what of both changes when titles that only seem
    to be named count, too; how likely the last two turns make it that something named is recommended again
    (repeats.py); each also as its share of the largest in the state; and what is known of the state alone.

    A training row is a recommendation with a target among its candidates, its features those of the other
    folds (folds.py): about 100 of its candidates stand against its targets, and at most 16,000 rows are
    learnt from. Rankers of the rows of train say how many trees make NDCG@50 on the valid rows highest;
    rankers of the rows of train and valid, of as many trees, are then what ranks, by their mean (rankers.py).
    What is no candidate stands behind, in the order of fusion, which chose the candidates.

    The seed chooses the candidates that are learnt from and the features and rows that each tree is shown.
    With `encoder` the features of sentences.py join.
    """

    options: HybridOptions

    def __init__(self, options: HybridOptions | None = None) -> None:
        super().__init__(options or HybridOptions())

    def learn(self, train: Split, ctx: Context) -> None:
        rows = list(examples(train.dialogues, train.by_row))
        if not rows:
            raise DataError("hybrid has nothing to learn from: train labels no recommendation")
        known = Remembered(train, ctx.valid, len(ctx.catalog))
        scored = [
            Example(row.state, row.targets, known.left_out(row.state, row.dialogue), 0)
            for row in ctx.valid.rows
        ]
        told = [
            replace(row, fold=known.left_out(row.state, ctx.valid.dialogues[row.dialogue].id))
            for row in examples(ctx.valid.dialogues)
        ]
        chosen = self.options.candidates, self.options.encoder
        self.candidates = Candidates.fit(known.dialogues, ctx.catalog, *chosen, known.by_row)
        of_train = self._labelled(rows, ctx, "training rows")
        judged = self._labelled(scored or told, ctx, "valid rows")
        rankers = Rankers.fit(of_train, judged, self.candidates.names, self.options.trees, ctx)
        if not rankers.boosters:
            raise DataError("hybrid has too few rows of train, or of valid, whose candidates hold a target")
        of_valid = self._labelled(told or scored, ctx, "rows of valid to learn from")
        self.rankers = rankers.whole([*of_train, *of_valid], 0.0, ctx)

    def _labelled(self, rows: Sequence[Example], ctx: Context, what: str) -> list[Labelled]:
        """The rows in their order, read out of their fold."""
        made: dict[int, Labelled] = {}
        for fold, batch in ctx.progress(batches := list(_batches(rows)), len(batches), what):
            found = self.candidates.find([rows[n].state for n in batch], fold)
            for n, items, features in zip(batch, found.items, found.features, strict=True):
                made[n] = Labelled(features, np.isin(items, rows[n].targets), fold)
        return [made[n] for n in range(len(rows))]

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        """The rankers' score for candidates; the others come after them, by fusion."""
        for start in range(0, len(states), BATCH):
            found = self.candidates.find(states[start : start + BATCH])
            ranked = self.rankers.scores(found.features, None)
            for scores, items, of_items in zip(found.fused, found.items, ranked, strict=True):
                scores -= scores.max() + 1
                scores[items] = of_items
                yield scores

    def save(self, directory: Path) -> None:
        """Write what the features remember, the rankers in lightgbm's text form, and hybrid.json."""
        self.candidates.save(directory)
        self.rankers.save(directory)
        settings = {
            "candidates": self.candidates.number,
            "encoder": self.candidates.sentences is not None,
            "features": self.candidates.names,
        }
        (directory / "hybrid.json").write_text(json.dumps(settings, indent=1))

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (no network in it)
        settings = json.loads((directory / "hybrid.json").read_text())
        self.candidates = Candidates.load(directory, settings["candidates"], settings["encoder"])
        if list(self.candidates.names) != settings["features"]:
            raise DataError(f"{directory} was written by a version with other features")
        self.rankers = Rankers.load(directory, self.candidates.names)
        return self


def _batches(rows: Sequence[Example]) -> Iterator[tuple[int | None, list[int]]]:
    """Places of at most `BATCH` rows at once, of one fold (None: of no dialogue that is remembered)."""
    for fold in (*range(FOLDS), None):
        chosen = [n for n, row in enumerate(rows) if row.fold == fold]
        for start in range(0, len(chosen), BATCH):
            yield fold, chosen[start : start + BATCH]
