"""What is remembered of (state, item) by the meaning of what was said: neighbours of the sentence encoder.

A turn is a vector v(t) of length 1 (encoder.py); turns together are Σ 0.9^age · v(t), scaled to length 1.

- `sentences`: rows whose last three user turns mean alike vote for what they recommended (cosine^12);
- `dialogue-sentences`: whole dialogues alike vote for all that they recommended (cosine^24);
- `item-sentences`: cosine of all user turns with the item's title, year and attributes;
- where items are described, `description-sentences:said`, `:named`: cosine of an item's description, less
  the mean of all, with all user turns, and, summed, with those of the items mentioned, others than itself;
- in a large catalogue `ridge:meaning` and, where items are described, `ridge:description`: Σ over items j of
  ridge(j) (memory.py) · cosine of i and j, of title, year and attributes or of descriptions less their mean.

Votes enter as ln(1 + Σ). `fold=f` leaves out fold f, as in memory.py. Cost: 2 to 7 ms of
CPU for each turn and item that no run has embedded before, and dense products of states with rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from crsbench.types import Catalog, Dialogue, Item, Speaker, State
from crsbench_features.encoder import WIDTH, Encoder
from crsbench_features.examples import examples, labels, labels_of_dialogues
from crsbench_features.folds import seen_dialogues, seen_rows, stays
from crsbench_features.reading import TURNS, Rows
from crsbench_features.remembered import is_large
from crsbench_features.storage import pack, unpack

DECAY = 0.9
OF_DESCRIPTIONS = ("description-sentences:said", "description-sentences:named")
OF_RIDGE = ("ridge:meaning", "ridge:description")
LISTED = 5  # values of each relation that an item's text names
Vectors = NDArray[np.float32]


class Sentences:
    """Learnt by `fit`; read by `columns`. Raises UsageError where the encoder is not installed."""

    names: tuple[str, ...] = ("sentences", "dialogue-sentences", "item-sentences")

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._known: dict[str, Vectors] = {}

    def _keep(self, vectors: dict[str, Vectors]) -> None:
        self._vectors = vectors
        self._items = _unit(vectors["item"] - vectors["item"].mean(axis=0))
        self.names = Sentences.names
        if "description" in vectors:
            self.names += OF_DESCRIPTIONS
        if is_large(len(vectors["item"])):
            self.names += OF_RIDGE if "description" in vectors else OF_RIDGE[:1]

    @classmethod
    def fit(cls, known: Sequence[Dialogue], catalog: Catalog, by_row: bool = False) -> Self:
        made = cls()
        rows, (dialogues, seen) = list(examples(known, by_row)), seen_dialogues(known, by_row)
        vectors = {
            "row": made._embed([row.state for row in rows], TURNS, "user"),
            "dialogue": made._embed([State(dialogue.turns) for dialogue in dialogues]),
            "item": made._encoder.embed([_in_words(item) for item in catalog.items]),
        }
        if any(item.description for item in catalog.items):
            vectors["description"] = made._embed_descriptions([item.description for item in catalog.items])
        made._keep(vectors)
        items = len(catalog)
        made._labels = {"row": labels(rows, items), "dialogue": labels_of_dialogues(dialogues, items)}
        made._seen = {"row": seen_rows(rows), "dialogue": seen}
        return made

    def _embed_descriptions(self, texts: Sequence[str]) -> Vectors:
        """[I, 384]: what is particular of each, of length 1; 0 where there is none."""
        there = np.array([bool(text) for text in texts])
        out = np.zeros((len(texts), WIDTH), np.float32)
        out[there] = self._encoder.embed([text for text in texts if text])
        out[there] -= out[there].mean(axis=0)
        return _unit(out)

    def _embed(
        self, states: Sequence[State], last: int | None = None, speaker: Speaker | None = None
    ) -> Vectors:
        """[S, 384] of the last turns (None: of all) of one speaker (None: of both)."""
        said = [
            [t.text for t in state.history if speaker in (None, t.speaker) and t.text.strip()][-(last or 0) :]
            for state in states
        ]
        new = list(dict.fromkeys(text for texts in said for text in texts if text not in self._known))
        self._known |= dict(zip(new, self._encoder.embed(new), strict=True))
        out = np.zeros((len(states), WIDTH), np.float32)
        for vector, texts in zip(out, said, strict=True):
            for age, text in enumerate(reversed(texts)):
                vector += DECAY**age * self._known[text]
        return _unit(out)

    def columns(
        self, states: Sequence[State], named: Rows, regressed: Vectors | None, fold: int | None = None
    ) -> Iterator[Vectors]:
        """[S, I] for each of the names, all values ≥ 0. `named` [S, I]: weights of the items mentioned;
        `regressed` [S, I]: the ridge regression, where there is one."""
        yield self._votes("row", self._embed(states, TURNS, "user"), 12, fold)
        yield self._votes("dialogue", self._embed(states), 24, fold)
        said = self._embed(states, None, "user")
        yield np.maximum(said @ self._vectors["item"].T, 0)
        described = self._vectors.get("description")
        if described is not None:
            yield np.maximum(said @ described.T, 0)
            others = named.toarray() == 0
            yield np.maximum((named @ described) @ described.T, 0) * others
        if regressed is not None:
            yield np.maximum((regressed @ self._items) @ self._items.T, 0)
            if described is not None:
                yield np.maximum((regressed @ described) @ described.T, 0)

    def _votes(self, kind: str, asked: Vectors, power: int, fold: int | None) -> Vectors:
        near = np.maximum(asked @ self._vectors[kind].T, 0) ** power  # [S, N]
        near[:, ~stays(self._seen[kind], fold)] = 0
        return np.log1p((self._labels[kind].T @ near.T).T)

    def save(self, directory: Path) -> None:
        """Write sentences.safetensors."""
        arrays = {f"{kind}.vectors": vectors for kind, vectors in self._vectors.items()}
        for kind, given in self._labels.items():
            arrays |= pack(f"{kind}.labels", given) | {f"{kind}.seen": self._seen[kind]}
        save_file(arrays, directory / "sentences.safetensors")

    @classmethod
    def load(cls, directory: Path) -> Self:
        made = cls()
        arrays = load_file(directory / "sentences.safetensors")
        ending = ".vectors"
        made._keep({name.removesuffix(ending): arrays[name] for name in arrays if name.endswith(ending)})
        items = len(made._vectors["item"])
        made._labels = {kind: unpack(arrays, f"{kind}.labels", items) for kind in ("row", "dialogue")}
        made._seen = {kind: arrays[f"{kind}.seen"] for kind in ("row", "dialogue")}
        return made


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _in_words(item: Item) -> str:
    """An item in words: title, year, and the first values of each relation."""
    known = [", ".join(values[:LISTED]) for values in item.attributes.values()]
    return ". ".join([item.title if item.year is None else f"{item.title} ({item.year})", *known])
