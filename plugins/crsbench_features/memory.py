"""What is remembered of (state, item): a retrieval memory, out-of-fold while training.

Each feature is a column of `Memory.names`:

- `text`: rows whose last three turns read alike vote for what they recommended (TF-IDF of 1-2-grams,
  cosine cubed);
- `centroid`: cosine of those turns with all that were said before the item was recommended (Rocchio);
- `entities`: rows that name the same items and entities, newest first, vote alike (idf cosine);
- `cooccurrence`: Σ over named nodes n of P(i is recommended | n was named before it), newest first;
  `cooccurrence:newest` and `:last` from the node named last and from the last turn alone;
- `dialogue-text`, `dialogue-entities`: whole dialogues alike vote for all that they recommended,
  before and after (the best single source on ReDial);
- `ease`: item–item scores of the items named in one dialogue (ease.py);
- `popularity`: ln(1 + times recommended), over its maximum; `named`: ln(1 + dialogues that name it), alike;
- `popularity-linked`: from what was named by one step entity → item, or item → attribute → item, to an item
  with the chance ∝ 1 + times recommended; `popularity-linked:B` for each bag of mentions by itself;
- in a large catalogue (remembered.py): `ridge`, what dialogues recommend, regressed on what is said and
  named in them (ridge.py), and what is like it, by attributes (`ridge:like`) and by what dialogues name
  together (`ridge:together`): Σ over items j of ridge(j) · cosine of i and j, so that a vote for an item is
  one for its kind; `together` and `lift`, how often the items mentioned, newest first, are named in one
  dialogue with this one (pairs.py).

`fold=f` leaves out what fold f says altogether, statistics included, as if it were not there: for the rows of
that fold, in train and in valid (folds.py). `fold=None` uses all that is remembered (remembered.py).

Cost, in CPU seconds of one core: OpenDialKG (4,057 dialogues, 2,965 items) 6.9 to fit, names that nobody
annotated being looked for, 1.1 for what is without a fold, and 1.5 for the columns of 1,000 states; ReDial
(4,109 dialogues, 6,924 items) 9.1, 1.6 and 1.8.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

from crsbench.errors import DataError
from crsbench.types import Catalog, Dialogue, State
from crsbench_features.ease import Ease
from crsbench_features.examples import examples, labels, labels_of_dialogues
from crsbench_features.folds import Seen, seen_dialogues, seen_rows, stays
from crsbench_features.neighbours import Voters, idf, unit, weighted
from crsbench_features.pairs import Pairs
from crsbench_features.reading import BAGS, TURNS, Reader, Rows, flat
from crsbench_features.remembered import is_large
from crsbench_features.ridge import Ridge
from crsbench_features.storage import load_catalog, pack, save_catalog, unpack

EASE_RIDGE = 20.0
THOROUGH = ("ridge", "ridge:like", "ridge:together", "together", "lift")
NAMES = (
    "text",
    "centroid",
    "entities",
    "cooccurrence",
    "cooccurrence:newest",
    "cooccurrence:last",
    "dialogue-text",
    "dialogue-entities",
    "ease",
    "popularity",
    "named",
    "popularity-linked",
    *(f"popularity-linked:{name}" for name in BAGS),
)
_MATRICES = ("row_terms", "row_nodes", "row_labels", "dialogue_terms", "dialogue_nodes", "dialogue_labels")


class Memory:
    """Learnt by `fit`; read by `columns`."""

    def __init__(self, reader: Reader, by_row: bool = False) -> None:
        self.reader, self.by_row = reader, by_row
        self.names = NAMES + THOROUGH if is_large(len(reader.catalog)) else NAMES

    @classmethod
    def fit(cls, known: Sequence[Dialogue], catalog: Catalog, by_row: bool = False) -> Self:
        reader, items = Reader(catalog, {}), len(catalog)
        memory = cls(reader, by_row)
        reader.learn([turn.text for dialogue in known for turn in dialogue.turns])
        rows = list(examples(known, by_row))
        dialogues, seen = seen_dialogues(known, by_row)
        whole = [State(dialogue.turns) for dialogue in dialogues]
        memory._keep(
            {
                "row_terms": reader.said([row.state for row in rows], TURNS),
                "row_nodes": reader.mentioned([row.state for row in rows])["all"],
                "row_labels": labels(rows, items),
                "dialogue_terms": reader.said(whole),
                "dialogue_nodes": flat(reader.mentioned(whole)["all"]),
                "dialogue_labels": labels_of_dialogues(dialogues, items),
            },
            {"row": seen_rows(rows), "dialogue": seen},
        )
        return memory

    def generous(self, known: Sequence[Dialogue]) -> Self:
        """What a generous reader (reading.py) remembers of the same dialogues."""
        other, (dialogues, _) = self.reread(), seen_dialogues(known, self.by_row)
        nodes = {
            "row_nodes": other.reader.mentioned([row.state for row in examples(known)])["all"],
            "dialogue_nodes": flat(other.reader.mentioned([State(d.turns) for d in dialogues])["all"]),
        }
        if any((self._matrices[name] != found).nnz for name, found in nodes.items()):
            other._keep(self._matrices | nodes, self._seen)
        return other

    def reread(self) -> Self:
        """This memory, asked by a generous reader."""
        other = copy.copy(self)
        other.reader = self.reader.generous()
        return other

    def same(self, other: Memory) -> bool:
        """Whether another one remembers the very same."""
        return self._matrices is other._matrices

    def _keep(self, matrices: dict[str, Rows], seen: dict[str, Seen]) -> None:
        self._matrices, self._seen = matrices, seen
        self._views: dict[int | None, _View] = {}

    def columns(
        self, states: Sequence[State], fold: int | None = None, names: Sequence[str] = ()
    ) -> Iterator[NDArray[np.float32]]:
        """[S, I], all values ≥ 0, for each of `names` (none: of its own); without what `fold` says. For few
        states at once."""
        asked, sources = _Asked(self.reader, states), self._view(fold).sources
        return (sources[name](asked) for name in names or self.names)

    def _view(self, fold: int | None) -> _View:
        if fold not in self._views:
            kept = {name: stays(seen, fold) for name, seen in self._seen.items()}
            matrices = {name: matrix[kept[name.partition("_")[0]]] for name, matrix in self._matrices.items()}
            self._views[fold] = _View(self.reader, matrices)
        return self._views[fold]

    def save(self, directory: Path) -> None:
        """Write catalog.json, terms.json and memory.safetensors."""
        save_catalog(self.reader.catalog, directory)
        terms = json.dumps(list(self.reader.vocabulary), ensure_ascii=False)
        (directory / "terms.json").write_text(terms, encoding="utf-8")
        arrays: dict[str, NDArray[np.generic]] = {f"{name}_seen": seen for name, seen in self._seen.items()}
        arrays["by_row"] = np.array([self.by_row])
        for name, matrix in self._matrices.items():
            arrays |= pack(name, matrix)
        save_file(arrays, directory / "memory.safetensors")

    @classmethod
    def load(cls, directory: Path, reader: Reader | None = None) -> Self:
        """Read what `save` wrote; `reader`: one of the same catalogue and terms, if there is one already.

        Raises DataError where another version wrote it.
        """
        catalog = load_catalog(directory)
        terms = json.loads((directory / "terms.json").read_text(encoding="utf-8"))
        arrays = load_file(directory / "memory.safetensors")
        if "by_row" not in arrays:
            raise DataError(f"{directory} was written by another version", "train the policy again")
        reader = reader or Reader(catalog, {term: i for i, term in enumerate(terms)})
        memory = cls(reader, bool(arrays["by_row"][0]))
        widths = {"terms": len(terms), "nodes": memory.reader.nodes, "labels": len(catalog)}
        matrices = {name: unpack(arrays, name, widths[name.partition("_")[2]]) for name in _MATRICES}
        memory._keep(matrices, {name: arrays[f"{name}_seen"] for name in ("row", "dialogue")})
        return memory


class _Asked:
    """States as bags: what is said in the last turns and in all, what is named."""

    def __init__(self, reader: Reader, states: Sequence[State]) -> None:
        self.named = reader.mentioned(states)
        self.once = flat(self.named["all"])
        self.recent, self.said = reader.said(states, TURNS), reader.said(states)
        self.regressed: NDArray[np.float32] | None = None  # (three features are made of it)


class _View:
    """The memory of some of the folds: `sources` answer [S, I] by name. What nobody asks for is not built."""

    def __init__(self, reader: Reader, kept: dict[str, Rows]) -> None:
        self._reader, self._items = reader, reader.links.items
        self._terms, self._nodes, self._targets = kept["row_terms"], kept["row_nodes"], kept["row_labels"]
        self._texts, self._wholes = kept["dialogue_terms"], kept["dialogue_nodes"]
        self._all_targets = kept["dialogue_labels"]
        self.sources: dict[str, Callable[[_Asked], NDArray[np.float32]]] = {
            "text": lambda asked: self._text.votes(asked.recent),
            "centroid": lambda asked: (weighted(asked.recent, self._rarity) @ self._centroids).toarray(),
            "entities": lambda asked: self._entities.votes(asked.named["all"]),
            "cooccurrence": lambda asked: self._cooccurring(asked.named["all"]),
            "cooccurrence:newest": lambda asked: self._cooccurring(asked.named["newest"]),
            "cooccurrence:last": lambda asked: self._cooccurring(asked.named["last"]),
            "dialogue-text": lambda asked: self._dialogue_text.votes(asked.said),
            "dialogue-entities": lambda asked: self._dialogue_entities.votes(asked.once),
            "ease": lambda asked: np.maximum(self._ease.scores(Rows(asked.once[:, : self._items])), 0),
            "popularity": lambda asked: self._constant(self._recommended, asked),
            "named": lambda asked: self._constant(self._named, asked),
            "popularity-linked": lambda asked: self._popular(asked.named["all"]),
            **{f"popularity-linked:{b}": lambda asked, b=b: self._popular(asked.named[b]) for b in BAGS},
            "ridge": self._regressed,
            "ridge:like": lambda asked: self._reader.links.alike(self._regressed(asked)),
            "ridge:together": lambda asked: self._pairs.alike(self._regressed(asked)),
            "together": lambda asked: self._pairs.together(Rows(asked.named["all"][:, : self._items])),
            "lift": lambda asked: self._pairs.lift(Rows(asked.named["all"][:, : self._items])),
        }

    @cached_property
    def _rarity(self) -> NDArray[np.float32]:
        return idf(self._terms)

    @cached_property
    def _text(self) -> Voters:
        return Voters(self._terms, self._targets, self._rarity, 3)

    @cached_property
    def _centroids(self) -> Rows:
        return Rows(unit(Rows(self._targets.T @ weighted(self._terms, self._rarity))).T)

    @cached_property
    def _entities(self) -> Voters:
        return Voters(self._nodes, self._targets, idf(self._nodes), 3)

    @cached_property
    def _dialogue_text(self) -> Voters:
        return Voters(self._texts, self._all_targets, idf(self._texts), 3)

    @cached_property
    def _dialogue_entities(self) -> Voters:
        return Voters(self._wholes, self._all_targets, idf(self._wholes), 2)

    @cached_property
    def _ease(self) -> Ease:
        return Ease(Rows(self._wholes[:, : self._items]), EASE_RIDGE)

    @cached_property
    def _ridge(self) -> Ridge:
        return Ridge(self._texts, self._wholes, self._all_targets)

    @cached_property
    def _pairs(self) -> Pairs:
        return Pairs(Rows(self._wholes[:, : self._items]))

    @cached_property
    def _after(self) -> Rows:
        """[nodes, I]: P(i is recommended | n was named before it), two rows more in the denominator."""
        counts = np.bincount(self._nodes.indices, minlength=self._reader.nodes).astype(np.float32)
        return Rows(sparse.diags_array(1 / (counts + 2)) @ (flat(self._nodes).T @ self._targets))

    @cached_property
    def _recommended(self) -> NDArray[np.float64]:
        return np.bincount(self._targets.indices, weights=self._targets.data, minlength=self._items)

    @cached_property
    def _named(self) -> NDArray[np.int64]:
        return np.bincount(Rows(self._wholes[:, : self._items]).indices, minlength=self._items)

    @cached_property
    def _linked(self) -> Rows:
        return _by_attribute(self._reader, self._recommended)

    @cached_property
    def _composition(self) -> Rows:
        return Rows(self._reader.links.composition)

    def _regressed(self, asked: _Asked) -> NDArray[np.float32]:
        if asked.regressed is None:
            asked.regressed = np.maximum(self._ridge.scores(asked.said, asked.once), 0)
        return asked.regressed

    def _cooccurring(self, bag: Rows) -> NDArray[np.float32]:
        return (bag @ self._after).toarray()

    def _popular(self, bag: Rows) -> NDArray[np.float32]:
        items = self._items
        return ((Rows(bag[:, :items]) @ self._composition + bag[:, items:]) @ self._linked).toarray()

    def _constant(self, count: NDArray[np.float64] | NDArray[np.int64], asked: _Asked) -> NDArray[np.float32]:
        value = (np.log1p(count) / np.log1p(max(1, count.max(initial=0)))).astype(np.float32)
        return np.broadcast_to(value, (asked.once.shape[0], self._items))


def _by_attribute(reader: Reader, popularity: NDArray[np.float64]) -> Rows:
    """[E, I]: of the items with attribute e, each one's share of (1 + times recommended)."""
    has = flat(Rows(reader.links.composition))  # [I, E]
    shares = Rows(sparse.diags_array((popularity + 1).astype(np.float32)) @ has).T.tocsr()
    totals = np.maximum(np.asarray(shares.sum(axis=1)).ravel(), 1)
    return Rows(sparse.diags_array((1 / totals).astype(np.float32)) @ shares)
