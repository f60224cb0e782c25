"""States and their candidates: everything that counting says, for the items that deserve a closer look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Catalog, Dialogue, State
from crsbench_features.connections import CONTEXT, GUESSED
from crsbench_features.examples import examples
from crsbench_features.fusion import SOURCES, fused
from crsbench_features.grounding import Grounding
from crsbench_features.memory import THOROUGH, Memory
from crsbench_features.reading import Rows
from crsbench_features.repeats import Repeats
from crsbench_features.sentences import Sentences

BATCH = 64  # states whose features for the whole catalogue are held at once
_SAME = (  # features that do not enter twice: a generous reader changes none of them, or hardly
    *("text", "centroid", "dialogue-text", "popularity", "named"),
    *("title:last", "title:all", "degree", "year", *THOROUGH),
)


_Columns: TypeAlias = dict[str, NDArray[np.float32]]  # by the names of features, each [S, I]


@dataclass(frozen=True, slots=True)
class Found:
    """Of S states: C candidates with F features, and the order of all I items.

    `items` int32 [S, C], in catalogue order; `features` float16 [S, C, F], 0 ≤ f ≤ 65,504; `fused` float32
    [S, I].
    """

    items: NDArray[np.int32]
    features: NDArray[np.float16]
    fused: NDArray[np.float32]


class Candidates:
    """The counting features of memory and of the conversation itself, F `names`, at the hardest candidates.

    Those of memory.py and grounding.py enter twice: by what is named, and by what a generous reader takes for
    named (`guessed`: reading.py). `repeated` is, for items that are named or seem to be, how likely it is
    that something named is recommended again (repeats.py). `sentences` adds those of the sentence encoder.
    The last, `CONTEXT`, are what is known of the state alone, and the same for all of its candidates.

    Fusion (fusion.py) chooses the `number` candidates of a state, ties in catalogue order.
    """

    def __init__(
        self,
        memory: Memory,
        guessing: Memory,
        repeats: Repeats,
        number: int,
        sentences: Sentences | None = None,
    ) -> None:
        self.memory, self.guessing, self.repeats, self.sentences = memory, guessing, repeats, sentences
        self.number = min(number, len(memory.reader.catalog))
        self._grounding, self._guessed = Grounding(memory.reader), Grounding(guessing.reader)
        encoded = sentences.names if sentences else ()
        guessed = [GUESSED + name for name in (*memory.names, *self._grounding.names) if _changes(name)]
        self.names = (*memory.names, *self._grounding.names, *guessed, *encoded, "repeated", *CONTEXT)
        again = [GUESSED + name for name in SOURCES if _changes(name)]
        sources = (*SOURCES, *again, *(Sentences.names if sentences else ()))
        self._sources = [self.names.index(name) for name in sources]
        self._times = self.names.index(f"{GUESSED}times")

    @classmethod
    def fit(
        cls,
        known: Sequence[Dialogue],
        catalog: Catalog,
        number: int,
        encoder: bool = False,
        by_row: bool = False,
    ) -> Self:
        """Remember these dialogues, split `by_row` or whole (folds.py).

        Raises UsageError where the encoder is not installed.
        """
        sentences = Sentences.fit(known, catalog, by_row) if encoder else None
        memory = Memory.fit(known, catalog, by_row)
        guessing = memory.generous(known)
        repeats = Repeats.fit(guessing.reader, list(examples(known, by_row)))
        return cls(memory, guessing, repeats, number, sentences)

    @property
    def by_row(self) -> bool:
        """Whether folds are of rows and not of dialogues (folds.py)."""
        return self.memory.by_row

    def find(self, states: Sequence[State], fold: int | None = None) -> Found:
        """The candidates of at most `BATCH` states, without what `fold` knows."""
        remembered = dict(zip(self.memory.names, self.memory.columns(states, fold), strict=True))
        grounded = dict(zip(self._grounding.names, self._grounding.columns(states), strict=True))
        again = self._guess(states, fold, remembered, grounded)
        columns = [
            *remembered.values(),
            *grounded.values(),
            *(column for name, column in again.items() if _changes(name)),
            *self._encoded(states, remembered.get("ridge"), fold),
        ]
        repeats = self.repeats.probabilities(states, fold)
        columns.append(repeats[:, None] * (columns[self._times] > 0))
        score = fused([columns[f] for f in self._sources], columns[0].shape)
        items = np.sort(np.argsort(-score, axis=1, kind="stable")[:, : self.number], axis=1)
        most = np.finfo(np.float16).max
        features = np.empty((*items.shape, len(self.names)), np.float16)
        for f, column in enumerate(columns):
            features[:, :, f] = np.minimum(np.take_along_axis(column, items, axis=1), most)
        features[:, :, len(columns) :] = np.minimum(self._context(states, repeats), most)[:, None]
        return Found(items.astype(np.int32), features, score)

    def _guess(
        self, states: Sequence[State], fold: int | None, remembered: _Columns, grounded: _Columns
    ) -> _Columns:
        """What a generous reader finds: the same, where nothing more seems to be named."""
        if not any(self.memory.reader.guessed(turn) for state in states for turn in state.history):
            if self.memory.same(self.guessing):
                return remembered | grounded
        else:
            grounded = dict(zip(self._guessed.names, self._guessed.columns(states), strict=True))
        names = [name for name in remembered if _changes(name)]
        return dict(zip(names, self.guessing.columns(states, fold, names), strict=True)) | grounded

    def _encoded(
        self, states: Sequence[State], regressed: NDArray[np.float32] | None, fold: int | None
    ) -> Iterator[NDArray[np.float32]]:
        """What the sentence encoder finds; nothing without one."""
        if self.sentences:
            items = len(self.memory.reader.catalog)
            named = Rows(self.memory.reader.mentioned(states)["all"][:, :items])
            yield from self.sentences.columns(states, named, regressed, fold)

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
        """Write what was learnt; in `guessing/` what a generous reader remembers, if it differs."""
        self.memory.save(directory)
        if not self.memory.same(self.guessing):
            (directory / "guessing").mkdir(exist_ok=True)
            self.guessing.save(directory / "guessing")
        self.repeats.save(directory)
        if self.sentences:
            self.sentences.save(directory)

    @classmethod
    def load(cls, directory: Path, number: int, encoder: bool = False) -> Self:
        memory = Memory.load(directory)
        sentences = Sentences.load(directory) if encoder else None
        guessing = memory.reread()
        if (directory / "guessing").exists():
            guessing = Memory.load(directory / "guessing", guessing.reader)
        return cls(memory, guessing, Repeats.load(directory, guessing.reader), number, sentences)


def _changes(name: str) -> bool:
    """Whether a feature is another one to a generous reader, who has nothing in the bag `said`."""
    return name not in _SAME and not name.endswith(":said")
