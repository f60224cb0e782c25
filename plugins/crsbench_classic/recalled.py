"""`entity-knn` and `ease`: one source of the memory each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from crsbench_features.memory import Memory
from crsbench_features.reading import BATCH
from numpy.typing import NDArray

from crsbench.types import Split, State
from crsbench_classic.base import Baseline

if TYPE_CHECKING:
    from crsbench.protocols import Context


class Recalled(Baseline):
    """Ranks by the memory's `source`; equal scores stand by popularity in train, then in catalogue order.

    Cost: reading train once, some seconds, and a millisecond a state.
    """

    source: ClassVar[str]

    def learn(self, train: Split, ctx: Context) -> None:
        self.memory = Memory.fit(train.dialogues, ctx.catalog)

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(states), BATCH):
            (column,) = self.memory.columns(states[start : start + BATCH], names=[self.source])
            yield from column

    def ties(self) -> NDArray[np.int64]:
        (popularity,) = self.memory.columns([State(())], names=["popularity"])
        return np.argsort(-popularity[0], kind="stable")

    def save(self, directory: Path) -> None:
        self.memory.save(directory)

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (scipy only)
        self.memory = Memory.load(directory)
        return self


class EntityKnn(Recalled):
    """Train rows that name the same items and entities vote for what was recommended there.

    score(i) = ln(1 + Σ_n cos(q, x_n)³ · [n recommends i]); q and x_n hold idf · 0.7^age of each item and
    entity named, the newest mention counting.
    """

    source = "entities"


class EasePolicy(Recalled):
    """EASE (Steck, WWW 2019), closed form: item–item weights of what is named in one dialogue.

    score(i) = Σ_j B_ji over the items j named so far, B = I − P / diag(P), P = (XᵀX + 20 I)⁻¹ over the
    dialogue × item matrix X of train; at least 0. Inverting costs the third power of the items that two
    dialogues name (at most 4,096).
    """

    source = "ease"
