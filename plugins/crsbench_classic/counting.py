"""`popularity` and `naive-copy`: the two floors under every table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Reason, Split, State
from crsbench_classic.base import Baseline, popularity

if TYPE_CHECKING:
    from crsbench.protocols import Context


class Popularity(Baseline):
    """Every conversation gets the items recommended most often in train; ties in catalogue order."""

    def learn(self, train: Split, ctx: Context) -> None:
        self.counts = popularity(train, len(ctx.catalog))

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        scores = self.counts.astype(np.float32)
        return (scores for _ in states)

    def save(self, directory: Path) -> None:
        (directory / "popularity.json").write_text(json.dumps({"counts": self.counts.tolist()}))

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (numpy only)
        self.counts = np.array(json.loads((directory / "popularity.json").read_text())["counts"], np.int64)
        return self


class NaiveCopy(Baseline):
    """The items mentioned so far, newest first, each once; then the rest of the catalogue in its order.

    The filler is arbitrary on purpose: what this row scores beyond its copies is chance, so it shows how
    much of a benchmark is answered by repeating.
    """

    def learn(self, train: Split, ctx: Context) -> None:  # noqa: ARG002 (nothing is learnt)
        self.size = len(ctx.catalog)

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        """n for the newest of n items, …, 1 for the one mentioned last longest ago, 0 for the filler."""
        for state in states:
            newest = list(dict.fromkeys(reversed(state.mentioned())))
            scores = np.zeros(self.size, np.float32)
            scores[newest] = np.arange(len(newest), 0, -1)
            yield scores

    def explain(self, states: Sequence[State], items: Sequence[int]) -> list[list[Reason]]:
        """The newest mention is all there is to say; an item of the filler has no reason."""
        found: list[list[Reason]] = []
        for state, item, scores in zip(states, items, self.scores(states), strict=True):
            said = [(m, t) for t, turn in enumerate(state.history) for m in turn.mentions if m.item == item]
            found.append([Reason("named before", float(scores[item]), *said[-1])] if said else [])
        return found

    def save(self, directory: Path) -> None:
        (directory / "naive-copy.json").write_text(json.dumps({"items": self.size}))

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (numpy only)
        self.size = int(json.loads((directory / "naive-copy.json").read_text())["items"])
        return self
