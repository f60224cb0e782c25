"""Which items deserve a closer look: reciprocal rank fusion (Cormack et al., SIGIR 2009) of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DAMPING = 60  # the constant of the paper
DEPTH = 300  # of each source, this many of the best count
SOURCES = (
    *("text", "centroid", "entities", "cooccurrence", "dialogue-text", "dialogue-entities", "ease"),
    *("popularity", "named", "popularity-linked", "popularity-linked:newest", "popularity-linked:last"),
    *("popularity-linked:user", "popularity-linked:system", "hops", "linked", "times", "walk:last"),
    *("item:last", "item:user", "item:system", "title:last", "title:all", "copy:said", "item:said"),
)


def fused(sources: Sequence[NDArray[np.float32]], shape: tuple[int, int]) -> NDArray[np.float32]:
    """[S, I] of each source → float32 [S, I]: Σ 1 / (60 + rank), ranks of positive values from 1.

    Equal values all have the rank of the last of them: what cannot tell items apart hardly speaks for them.
    """
    score = np.zeros(shape, np.float32)
    shares: dict[int, tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = {}
    for values in sources:
        if id(values) not in shares:  # a source may stand twice
            shares[id(values)] = _shares(values)
        row, item, share = shares[id(values)]
        score[row, item] += share
    return score


def _shares(values: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """What one source [S, I] adds: row, item, 1 / (60 + rank)."""
    # (sorting is faster than partitioning here: numpy's partition is slow among many zeros)
    width = values.shape[1]
    depth = min(DEPTH, width)
    border = np.sort(values, axis=1)[:, width - depth, None]
    row, item = np.nonzero((values > border) | ((values > 0) & (width == depth)))
    value = values[row, item]
    order = np.lexsort((value, row))  # by row, the smallest value first
    row, item, value = row[order], item[order], value[order]
    # an item's rank: how many of its row's values are at least its own
    ends = np.searchsorted(row, np.arange(len(values)), side="right")
    first = np.r_[True, (row[1:] != row[:-1]) | (value[1:] != value[:-1])] if len(row) else np.zeros(0, bool)
    start = np.flatnonzero(first)[np.cumsum(first) - 1] if len(row) else np.zeros(0, int)
    return row, item, 1 / (DAMPING + ends[row] - start)
