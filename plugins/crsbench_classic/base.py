"""From scores to answers: what the baselines share."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.types import Action, Split, State, Turn

if TYPE_CHECKING:
    from crsbench.protocols import Context, Need, Policy, Want


def best(
    scores: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
    ties: NDArray[np.int64] | None = None,
) -> Action:
    """The `k` items with the highest scores: the one rule by which all baselines break ties.

    scores: [I]. allowed: [I], True where an item may be recommended; fewer than `k` of those give a
    shorter list. ties: [I], all items in the order in which equal scores stand, by default the
    catalogue's.
    """
    order = np.arange(len(scores)) if ties is None else ties
    if allowed is not None:
        order = order[allowed[order]]
    ordered = scores[order]
    if k < len(order):
        # everything from the k-th best score up: ties at the border are then settled by the stable sort
        border = np.partition(ordered, len(ordered) - k)[len(ordered) - k]
        kept = ordered >= border
        order, ordered = order[kept], ordered[kept]
    top = np.argsort(-ordered, kind="stable")[:k]
    return Action(tuple(order[top].tolist()), tuple(ordered[top].tolist()))


def recommendations(split: Split) -> Iterator[tuple[tuple[Turn, ...], tuple[int, ...]]]:
    """Each labelled system turn of the split as (the turns before it, the items it recommends)."""
    for dialogue in split.dialogues:
        for at, turn in enumerate(dialogue.turns):
            if turn.recommended:
                yield dialogue.turns[:at], turn.recommended


def popularity(split: Split, items: int) -> NDArray[np.int64]:
    """[I]: how often each item is recommended in the split."""
    counts = np.zeros(items, np.int64)
    for _, recommended in recommendations(split):
        np.add.at(counts, list(recommended), 1)
    return counts


class Baseline(ABC):
    """A policy that scores every item and does not talk: `Action.text` is None.

    It has no distribution, so it samples nothing: with an `rng` it answers as without.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()

    def fit(self, train: Split, ctx: Context) -> Self:
        """`learn`, as the stage "fit" of the run: its record says what that cost, a second run reads it."""
        kind = type(self)
        inputs = {
            "policy": f"{kind.__module__}.{kind.__qualname__}",
            "options": self.options.model_dump(mode="json"),
        }
        ctx.stage("fit", inputs, functools.partial(self._build, train, ctx), self.load)
        return self

    def _build(self, train: Split, ctx: Context, folder: Path) -> None:
        self.learn(train, ctx)
        self.save(folder)

    @abstractmethod
    def learn(self, train: Split, ctx: Context) -> None:
        """Learn what `save` writes."""

    @abstractmethod
    def scores(self, states: Sequence[State]) -> Iterable[NDArray[np.float32]]:
        """One [I] a state."""

    @abstractmethod
    def save(self, directory: Path) -> None: ...

    @abstractmethod
    def load(self, directory: Path, device: str = "cpu") -> Self: ...

    def ties(self) -> NDArray[np.int64] | None:
        """[I]: the order of items whose scores are equal; None for the catalogue's."""
        return None

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        del want, rng  # neither words nor a distribution: see above
        ties = self.ties()
        return [
            best(scores, k, None if mask is None else mask[i], ties)
            for i, scores in enumerate(self.scores(states))
        ]

    def stages(self) -> Mapping[str, Policy]:
        return {"final": self}
