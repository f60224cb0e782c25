"""States and their candidates as a table: one line a candidate, one column a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from crsbench_features.candidates import Candidates
from crsbench_features.connections import CONTEXT
from numpy.typing import NDArray

from crsbench.types import State


@dataclass(frozen=True, slots=True)
class Table:
    """`items` int32 [S, C], in catalogue order; `lines` float32 [S, C, columns]; `fused` float32 [S, I]."""

    items: NDArray[np.int32]
    lines: NDArray[np.float32]
    fused: NDArray[np.float32]


def columns(candidates: Candidates) -> tuple[str, ...]:
    """The names of a table's columns."""
    return (*candidates.names, *(f"share of {name}" for name in candidates.names), *CONTEXT)


def table(candidates: Candidates, states: Sequence[State], fold: int | None = None) -> Table:
    """The table of at most `BATCH` states (candidates.py), without what `fold` knows.

    Each feature enters as it is and as a *share*, its value over the largest one in this state; with them
    what is known of the state alone.
    """
    found = candidates.find(states, fold)
    shares = found.features / np.maximum(found.largest, 1e-9)[:, None]
    context = np.broadcast_to(found.context[:, None], (*found.items.shape, len(CONTEXT)))
    return Table(found.items, np.concatenate([found.features, shares, context], axis=2), found.fused)
