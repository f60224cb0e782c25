"""States and their candidates as a table: one line a candidate, one column a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from crsbench_features.examples import examples
from crsbench_features.fusion import SOURCES, fused
from crsbench_features.grounding import Grounding
from crsbench_features.memory import Memory
from crsbench_features.sentences import Sentences
from numpy.typing import NDArray

from crsbench.types import Catalog, Dialogue, State
from crsbench_classic.repeats import Repeats

BATCH = 64  # states whose features for the whole catalogue are held at once
CONTEXT = (
    "turns",
    "items named",
    "entities named",
    "items named last",
    "entities named last",
    "words last",
    "asks",
    "system spoke last",
    "repeats",
)
GUESSED = "guessed "  # begins the name of a feature of what a generous reader finds
_SAME = (  # what a generous reader does not change
    *("text", "centroid", "dialogue-text", "popularity", "named"),
    *("title:last", "title:all", "degree", "year"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """`items` int32 [S, C], in catalogue order; `features` float32 [S, C, F]; `fused` float32 [S, I]."""

    items: NDArray[np.int32]
    features: NDArray[np.float32]
    fused: NDArray[np.float32]


class Features:
    """The counting features of train and of the conversation itself, at the hardest candidates.

    Those of memory.py and grounding.py enter twice: by what is named, and by what a generous reader takes for
    named (`guessed`: reading.py). `repeated` is, for items that were named, how likely it is that something
    named is recommended again (repeats.py). `sentences` adds the features of the sentence encoder.

    Each feature enters as it is and as a *share*, its value over the largest one in this state; with them
    what is known of the state alone. Fusion (fusion.py) chooses the `candidates` items, and orders the rest.
    """

    def __init__(
        self,
        memory: Memory,
        guessing: Memory,
        repeats: Repeats,
        candidates: int,
        sentences: Sentences | None = None,
    ) -> None:
        self.memory, self.guessing, self.repeats, self.sentences = memory, guessing, repeats, sentences
        self.candidates = min(candidates, len(memory.reader.catalog))
        self._grounding, self._guessed = Grounding(memory.reader), Grounding(guessing.reader)
        encoded = sentences.names if sentences else ()
        guessed = [GUESSED + name for name in (*memory.names, *self._grounding.names) if _changes(name)]
        counted = (*memory.names, *self._grounding.names, *guessed, *encoded, "repeated")
        again = [GUESSED + name for name in SOURCES if _changes(name)]
        self._sources = [counted.index(name) for name in (*SOURCES, *again, *encoded)]
        self._times = counted.index(f"{GUESSED}times")
        self.names = (*counted, *(f"share of {name}" for name in counted), *CONTEXT)

    @classmethod
    def fit(cls, train: Sequence[Dialogue], catalog: Catalog, candidates: int, encoder: bool = False) -> Self:
        """Learn from the dialogues of train. Raises UsageError where the encoder is not installed."""
        sentences = Sentences.fit(train, catalog) if encoder else None
        memory, guessing = Memory.fit(train, catalog), Memory.fit(train, catalog, generous=True)
        repeats = Repeats.fit(guessing.reader, list(examples(train)))
        return cls(memory, guessing, repeats, candidates, sentences)

    def table(self, states: Sequence[State], fold: int | None = None) -> Table:
        """The table of at most `BATCH` states, without what `fold` knows."""
        guessed = zip(self._guessed.names, self._guessed.columns(states), strict=True)
        remembered = [name for name in self.guessing.names if _changes(name)]
        columns = [
            *self.memory.columns(states, fold),
            *self._grounding.columns(states),
            *self.guessing.columns(states, fold, remembered),
            *(column for name, column in guessed if _changes(name)),
            *(self.sentences.columns(states, fold) if self.sentences else ()),
        ]
        repeats = self.repeats.probabilities(states, fold)
        columns.append(repeats[:, None] * (columns[self._times] > 0))
        largest = [np.maximum(column.max(axis=1, keepdims=True), 1e-9) for column in columns]
        score = fused([columns[f] for f in self._sources], columns[0].shape)
        items = np.sort(np.argsort(-score, axis=1, kind="stable")[:, : self.candidates], axis=1)
        features = np.empty((*items.shape, len(self.names)), np.float32)
        for f, (column, most) in enumerate(zip(columns, largest, strict=True)):
            features[:, :, f] = np.take_along_axis(column, items, axis=1)
            features[:, :, f + len(columns)] = features[:, :, f] / most
        features[:, :, 2 * len(columns) :] = self._context(states, repeats)[:, None]
        return Table(items.astype(np.int32), features, score)

    def _context(self, states: Sequence[State], repeats: NDArray[np.float32]) -> NDArray[np.float32]:
        """[S, len(CONTEXT)]"""
        reader, items = self.memory.reader, self.memory.reader.links.items
        rows = np.zeros((len(states), len(CONTEXT)), np.float32)
        rows[:, -1] = repeats
        for row, state in zip(rows, states, strict=True):
            if not state.history:
                continue
            last = state.history[-1]
            named = [node for turn in state.history for node in reader.named(turn)]
            newly = reader.named(last)
            row[:5] = (
                len(state.history),
                sum(node < items for node in named),
                sum(node >= items for node in named),
                sum(node < items for node in newly),
                sum(node >= items for node in newly),
            )
            row[5:8] = len(last.text.split()), "?" in last.text, last.speaker == "system"
        return rows

    def save(self, directory: Path) -> None:
        """Write what was learnt of train; the memory of the generous reader in `guessing/`."""
        self.memory.save(directory)
        (directory / "guessing").mkdir(exist_ok=True)
        self.guessing.save(directory / "guessing")
        self.repeats.save(directory)
        if self.sentences:
            self.sentences.save(directory)

    @classmethod
    def load(cls, directory: Path, candidates: int, encoder: bool = False) -> Self:
        sentences = Sentences.load(directory) if encoder else None
        memory, guessing = Memory.load(directory), Memory.load(directory / "guessing", generous=True)
        return cls(memory, guessing, Repeats.load(directory, guessing.reader), candidates, sentences)


def _changes(name: str) -> bool:
    """Whether a feature is another one to a generous reader, who has nothing in the bag `said`."""
    return name not in _SAME and not name.endswith(":said")
