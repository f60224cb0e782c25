"""States and their candidates as a table: one line a candidate, one column a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from crsbench_features.fusion import SOURCES, fused
from crsbench_features.grounding import Grounding
from crsbench_features.memory import Memory
from crsbench_features.sentences import Sentences
from numpy.typing import NDArray

from crsbench.types import State

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
)


@dataclass(frozen=True, slots=True)
class Table:
    """`items` int32 [S, C], in catalogue order; `features` float32 [S, C, F]; `fused` float32 [S, I]."""

    items: NDArray[np.int32]
    features: NDArray[np.float32]
    fused: NDArray[np.float32]


class Features:
    """The counting features of a memory and of the conversation itself, at the hardest candidates.

    `sentences` adds those of the sentence encoder.

    Each feature enters as it is and as a *share*, its value over the largest one in this state; with them
    what is known of the state alone. Fusion (fusion.py) chooses the `candidates` items, and orders the rest.
    """

    def __init__(self, memory: Memory, candidates: int, sentences: Sentences | None = None) -> None:
        self.memory = memory
        self.sentences = sentences
        self.candidates = min(candidates, len(memory.reader.catalog))
        self._grounding = Grounding(memory.reader)
        counted = (*memory.names, *self._grounding.names, *(sentences.names if sentences else ()))
        self._sources = [counted.index(name) for name in (*SOURCES, *(sentences.names if sentences else ()))]
        self.names = (*counted, *(f"share of {name}" for name in counted), *CONTEXT)

    def table(self, states: Sequence[State], fold: int | None = None) -> Table:
        """The table of at most `BATCH` states, without what `fold` knows."""
        columns = [*self.memory.columns(states, fold), *self._grounding.columns(states)]
        if self.sentences:
            columns += self.sentences.columns(states, fold)
        largest = [np.maximum(column.max(axis=1, keepdims=True), 1e-9) for column in columns]
        score = fused([columns[f] for f in self._sources], columns[0].shape)
        items = np.sort(np.argsort(-score, axis=1, kind="stable")[:, : self.candidates], axis=1)
        features = np.empty((*items.shape, len(self.names)), np.float32)
        for f, (column, most) in enumerate(zip(columns, largest, strict=True)):
            features[:, :, f] = np.take_along_axis(column, items, axis=1)
            features[:, :, f + len(columns)] = features[:, :, f] / most
        features[:, :, 2 * len(columns) :] = self._context(states)[:, None]
        return Table(items.astype(np.int32), features, score)

    def _context(self, states: Sequence[State]) -> NDArray[np.float32]:
        """[S, len(CONTEXT)]"""
        reader, items = self.memory.reader, self.memory.reader.links.items
        rows = np.zeros((len(states), len(CONTEXT)), np.float32)
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
            row[5:] = len(last.text.split()), "?" in last.text, last.speaker == "system"
        return rows
