"""What train knows of (state, item): a retrieval memory, out-of-fold while training.

Each feature is a column of `Memory.names`:

- `text`: rows whose last three turns read alike vote for what they recommended (TF-IDF of 1-2-grams,
  cosine cubed);
- `entities`: rows that name the same items and entities, newest first, vote alike (idf cosine);
- `cooccurrence`: Σ over named nodes n of P(i is recommended | n was named before it), newest first;
- `dialogue-text`, `dialogue-entities`: whole train dialogues alike vote for all that they recommended,
  before and after (the best single source on ReDial);
- `ease`: item–item scores of the items named in one dialogue (ease.py);
- `popularity`: ln(1 + times recommended), over its maximum;
- `popularity-linked`: one step item or entity → attribute → item, items ∝ popularity.

`fold=f` leaves out the dialogues of fold f altogether, statistics included, as if they were not there: for
training rows of that fold. `fold=None` uses all of them.

Cost, in CPU seconds of one core: OpenDialKG (4,818 rows, 2,965 items) 1.2 to fit, 0.4 for the features of
1,000 states; ReDial (3,701 dialogues, 6,924 items) 3.9 and 1.5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from safetensors.numpy import load_file, save_file
from scipy import sparse

from crsbench.types import Catalog, Dialogue, Item, State
from crsbench_features.ease import Ease
from crsbench_features.examples import examples
from crsbench_features.neighbours import Voters, idf
from crsbench_features.reading import TURNS, Reader, Rows, bag

BATCH = 256  # states at once
DECAY = 0.7  # a mention one turn older weighs this much less
RIDGE = 20.0
NAMES = (
    "text",
    "entities",
    "cooccurrence",
    "dialogue-text",
    "dialogue-entities",
    "ease",
    "popularity",
    "popularity-linked",
)
_MATRICES = ("row_terms", "row_nodes", "row_labels", "dialogue_terms", "dialogue_nodes", "dialogue_labels")
_ITEMS = TypeAdapter(tuple[Item, ...])


class Memory:
    """Learnt by `fit`; read by `features`."""

    names: tuple[str, ...] = NAMES

    def __init__(self, catalog: Catalog, vocabulary: dict[str, int]) -> None:
        self.catalog = catalog
        self.reader = Reader(catalog, vocabulary)
        self._views: dict[int | None, _View] = {}

    @classmethod
    def fit(cls, train: Sequence[Dialogue], catalog: Catalog) -> Self:
        memory = cls(catalog, {})
        reader, items = memory.reader, len(catalog)
        reader.learn([turn.text for dialogue in train for turn in dialogue.turns])
        rows = list(examples(train))
        whole = [State(dialogue.turns) for dialogue in train]
        labels = [np.array(row.targets, np.int64) for row in rows]
        recommended: list[list[NDArray[np.int64]]] = [[] for _ in train]
        for row, targets in zip(rows, labels, strict=True):
            recommended[row.dialogue].append(targets)
        memory._keep(
            {
                "row_terms": reader.said([row.state for row in rows], TURNS),
                "row_nodes": reader.mentioned([row.state for row in rows], DECAY),
                "row_labels": bag([[one] for one in labels], items),
                "dialogue_terms": reader.said(whole),
                "dialogue_nodes": reader.mentioned(whole),
                "dialogue_labels": _binary(bag(recommended, items)),
            },
            {
                "row_folds": np.array([row.fold for row in rows], np.int64),
                "dialogue_folds": np.array([dialogue.fold for dialogue in train], np.int64),
            },
        )
        return memory

    def _keep(self, matrices: dict[str, Rows], folds: dict[str, NDArray[np.int64]]) -> None:
        self._matrices, self._folds = matrices, folds

    def features(
        self, states: Sequence[State], fold: int | Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """float32 [S, F, I], all values ≥ 0. `fold`: of all states, or of each."""
        folds = [fold] * len(states) if fold is None or isinstance(fold, int) else list(fold)
        out = np.zeros((len(states), len(self.names), len(self.catalog)), np.float32)
        for one in dict.fromkeys(folds):
            of_fold = np.flatnonzero([other == one for other in folds])
            for start in range(0, len(of_fold), BATCH):
                chosen = of_fold[start : start + BATCH]
                out[chosen] = self._view(one).features([states[i] for i in chosen])
        return out

    def _view(self, fold: int | None) -> _View:
        if fold not in self._views:
            kept = {
                name: np.flatnonzero(folds != (-1 if fold is None else fold))
                for name, folds in self._folds.items()
            }
            matrices = {
                name: matrix[kept[f"{name.partition('_')[0]}_folds"]]
                for name, matrix in self._matrices.items()
            }
            self._views[fold] = _View(self.reader, matrices)
        return self._views[fold]

    def save(self, directory: Path) -> None:
        """Write catalog.json, terms.json and memory.safetensors."""
        (directory / "catalog.json").write_bytes(_ITEMS.dump_json(self.catalog.items))
        terms = json.dumps(list(self.reader.vocabulary), ensure_ascii=False)
        (directory / "terms.json").write_text(terms, encoding="utf-8")
        arrays: dict[str, NDArray[np.generic]] = dict(self._folds)
        for name, matrix in self._matrices.items():
            arrays |= {f"{name}.{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")}
        save_file(arrays, directory / "memory.safetensors")

    @classmethod
    def load(cls, directory: Path) -> Self:
        catalog = Catalog(_ITEMS.validate_json((directory / "catalog.json").read_bytes()))
        terms = json.loads((directory / "terms.json").read_text(encoding="utf-8"))
        memory = cls(catalog, {term: i for i, term in enumerate(terms)})
        arrays = load_file(directory / "memory.safetensors")
        widths = {"terms": len(terms), "nodes": memory.reader.nodes, "labels": len(catalog)}
        matrices: dict[str, Rows] = {}
        for name in _MATRICES:
            parts = tuple(arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
            shape = (len(parts[2]) - 1, widths[name.partition("_")[2]])
            matrices[name] = Rows(parts, shape=shape)
        memory._keep(matrices, {name: arrays[name] for name in ("row_folds", "dialogue_folds")})
        return memory


def _binary(counts: Rows) -> Rows:
    counts.sum_duplicates()
    counts.data[:] = 1
    return counts


class _View:
    """The memory of some of the folds."""

    def __init__(self, reader: Reader, kept: dict[str, Rows]) -> None:
        self._reader, items = reader, reader.links.items
        rows, labels = kept["row_nodes"], kept["row_labels"]
        whole, all_labels = kept["dialogue_nodes"], kept["dialogue_labels"]
        self._text = Voters(kept["row_terms"], labels, idf(kept["row_terms"]), 3)
        self._entities = Voters(rows, labels, idf(rows), 3)
        terms = kept["dialogue_terms"]
        self._dialogue_text = Voters(terms, all_labels, idf(terms), 3)
        self._dialogue_entities = Voters(whole, all_labels, idf(whole), 2)

        seen = Rows(rows.copy())
        seen.data[:] = 1
        together = Rows(seen.T @ labels)  # [nodes, I]
        counts = np.bincount(seen.indices, minlength=reader.nodes).astype(np.float32)
        self._cooccurrence = Rows(sparse.diags_array(1 / (counts + 2)) @ together)

        self._ease = Ease(Rows(whole[:, :items]), RIDGE)
        popularity = np.bincount(labels.indices, weights=labels.data, minlength=items)
        self._popularity = (np.log1p(popularity) / np.log1p(max(1, popularity.max(initial=0)))).astype(
            np.float32
        )
        self._linked = _popular_by_attribute(reader, popularity)

    def features(self, states: Sequence[State]) -> NDArray[np.float32]:
        reader, items = self._reader, self._reader.links.items
        recent, flat = reader.mentioned(states, DECAY), reader.mentioned(states)
        composed = Rows(recent[:, :items] @ reader.links.composition) + recent[:, items:]
        return np.stack(
            [
                self._text.votes(reader.said(states, TURNS)),
                self._entities.votes(recent),
                (recent @ self._cooccurrence).toarray(),
                self._dialogue_text.votes(reader.said(states)),
                self._dialogue_entities.votes(flat),
                np.maximum(self._ease.scores(Rows(flat[:, :items])), 0),
                np.broadcast_to(self._popularity, (len(states), items)),
                (Rows(composed) @ self._linked).toarray(),
            ],
            axis=1,
        )


def _popular_by_attribute(reader: Reader, popularity: NDArray[np.float64]) -> Rows:
    """[E, I]: of the items with attribute e, each one's share of (1 + times recommended)."""
    has = Rows(reader.links.composition).copy()  # [I, E]
    has.data[:] = 1
    shares = Rows(sparse.diags_array((popularity + 1).astype(np.float32)) @ has).T.tocsr()
    totals = np.maximum(np.asarray(shares.sum(axis=1)).ravel(), 1)
    return Rows(sparse.diags_array((1 / totals).astype(np.float32)) @ shares)
