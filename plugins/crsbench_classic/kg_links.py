"""`kg-links`: what the graph connects with the conversation. Its few weights are chosen on valid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from crsbench_features.connections import group_of
from crsbench_features.grounding import Grounding
from crsbench_features.reading import BATCH, Reader
from crsbench_features.storage import load_catalog, save_catalog
from numpy.typing import NDArray

from crsbench.types import Catalog, Reason, Row, Split, State
from crsbench_classic.base import Baseline, popularity

if TYPE_CHECKING:
    from crsbench.protocols import Context

ROWS = 400  # valid rows that weights are chosen on, evenly spaced
STEPS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # the weights that a term may have
ROUNDS = 3  # passes over the terms
SKIPPED = ("title:last", "title:all", "degree", "year", "description:said", "description:named")  # no links


class KgLinks(Baseline):
    """score(i) = Σ_t w_t · term_t(i), the terms being copies and links in the graph (grounding.py).

    By recency and role: the item was named; entities named have it (idf, one step at random); items named
    share its attributes (idf cosine, two steps at random). By relation: the entities of that relation. Two
    hops from the entities named. Each term is divided by its mean over the valid rows where it speaks; each
    weight is then the one of `STEPS` with the best mean DCG of the targets on valid, term by term, three
    times over. Equal scores stand by popularity in train. Cost: some seconds to fit, 1 ms a state.
    """

    def learn(self, train: Split, ctx: Context) -> None:
        self.counts = popularity(train, len(ctx.catalog))
        self._read(ctx.catalog)
        rows = [row for row in ctx.valid.rows if row.targets]
        self.weights = self._choose(rows[:: max(1, len(rows) // ROWS)])

    def _read(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._grounding = Grounding(Reader(catalog, {}))
        self.terms = [name for name in self._grounding.names if name not in SKIPPED]

    def _columns(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        for name, column in zip(self._grounding.names, self._grounding.columns(states), strict=True):
            if name not in SKIPPED:
                yield column

    def _choose(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """[T]: coordinate ascent on the mean DCG of the valid targets, 1 / log₂(1 + rank)."""
        if not rows:
            return np.ones(len(self.terms), np.float32)
        columns = list(self._columns([row.state for row in rows]))
        label_row = np.repeat(np.arange(len(rows)), [len(row.targets) for row in rows])
        label = np.concatenate([row.targets for row in rows])
        tie = self.counts / (1 + self.counts.max()) * 1e-6

        def dcg(scores: NDArray[np.float32]) -> float:
            own = scores[label_row, label]
            return float(np.mean(1 / np.log2(2 + (scores[label_row] > own[:, None]).sum(axis=1))))

        means = [column.sum() / max(1, np.count_nonzero(column)) for column in columns]
        scale = np.array([1 / mean if mean else 0.0 for mean in means], np.float32)
        weights = scale.copy()
        scores = sum(weight * column for weight, column in zip(weights, columns, strict=True)) + tie
        best = dcg(scores)
        for _ in range(ROUNDS):
            for t, column in enumerate(columns):
                for step in STEPS:
                    tried = scores + (step * scale[t] - weights[t]) * column
                    found = dcg(tried)
                    if found > best + 1e-9:
                        best, scores, weights[t] = found, tried, step * scale[t]
        return weights

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(states), BATCH):
            columns = self._columns(states[start : start + BATCH])
            yield from sum(weight * column for weight, column in zip(self.weights, columns, strict=True))

    def explain(self, states: Sequence[State], items: Sequence[int]) -> list[list[Reason]]:
        """The terms by what they are about."""
        found: list[list[Reason]] = []
        for state, item in zip(states, items, strict=True):
            shares: dict[str, float] = {}
            for name, weight, column in zip(self.terms, self.weights, self._columns([state]), strict=True):
                group = group_of(name)
                shares[group] = shares.get(group, 0) + float(weight * column[0, item])
            told = [Reason(group, share) for group, share in shares.items() if share]
            found.append(sorted(told, key=lambda reason: -reason.share))
        return found

    def ties(self) -> NDArray[np.int64]:
        return np.argsort(-self.counts, kind="stable")

    def save(self, directory: Path) -> None:
        save_catalog(self.catalog, directory)
        weights = dict(zip(self.terms, self.weights.tolist(), strict=True))
        learnt = {"weights": weights, "counts": self.counts.tolist()}
        (directory / "kg-links.json").write_text(json.dumps(learnt))

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (scipy only)
        self._read(load_catalog(directory))
        learnt = json.loads((directory / "kg-links.json").read_text())
        self.counts = np.array(learnt["counts"], np.int64)
        self.weights = np.array([learnt["weights"][term] for term in self.terms], np.float32)
        return self
