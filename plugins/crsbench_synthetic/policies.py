"""The scenario's bounds: they see the truth or the world's hidden numbers, and never rank in a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from crsbench.errors import UsageError
from crsbench.protocols import Context, Need, PrivilegedPolicy, Want
from crsbench.types import Action, Split, State, Truth
from crsbench_synthetic import logger, users
from crsbench_synthetic.options import WorldOptions
from crsbench_synthetic.world import World, make_world, stream

_LUCK = 24


class _Bound:
    """Ranks by `_scores` and speaks like the log; with an rng the logger's words vary."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __init__(self, options: WorldOptions | None = None) -> None:
        self.options = options or WorldOptions()

    @property
    def world(self) -> World:
        return make_world(self.options.items, self.options.seed)

    def fit(self, train: Split, ctx: Context) -> Self:
        """Nothing is learnt; the world must be the dataset's."""
        del train
        if ctx.catalog.fingerprint != self.world.catalog.fingerprint:
            raise UsageError(
                "this bound belongs to another catalogue than the dataset's",
                "it bounds `synthetic`: give -o items and -o seed as dataset.items and dataset.seed",
            )
        return self

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
        *,
        truths: Sequence[Truth],
    ) -> list[Action]:
        """The top `k` items; items that were recommended before come last."""
        actions: list[Action] = []
        for row, (state, truth) in enumerate(zip(states, truths, strict=True)):
            scores = self._scores(state, truth, rng)
            scores[list(users.shown(state))] = -1e30
            if mask is not None:
                scores[~mask[row]] = -np.inf
            order = np.argsort(-scores, kind="stable")[:k]
            order = order[np.isfinite(scores[order])]
            items = tuple(int(i) for i in order)
            text = None
            if want == "turn" and items:
                luck = (rng or stream(len(state.history), items[0])).random(_LUCK).tolist()
                text, _ = logger.say(self.world, state, items[0], iter(luck))
            actions.append(Action(items, tuple(float(s) for s in scores[order].astype(np.float32)), text))
        return actions

    def _scores(self, state: State, truth: Truth, rng: np.random.Generator | None) -> NDArray[np.float64]:
        raise NotImplementedError

    def stages(self) -> Mapping[str, PrivilegedPolicy]:
        return {"final": self}

    def save(self, directory: Path) -> None:
        (directory / "bound.json").write_text(json.dumps(self.options.model_dump()) + "\n")

    def load(self, directory: Path, device: str = "cpu") -> Self:
        del device
        self.options = WorldOptions.model_validate_json((directory / "bound.json").read_bytes())
        return self


class Oracle(_Bound):
    """Ranks by u, the probability that the item satisfies this user now."""

    def _scores(self, state: State, truth: Truth, rng: np.random.Generator | None) -> NDArray[np.float64]:
        del state, rng
        if truth.utilities is None:
            raise ValueError("the oracle needs utilities")
        return truth.utilities.astype(np.float64)


class BestQuality(_Bound):
    """Ranks by the hidden quality q, the same for everybody."""

    def _scores(self, state: State, truth: Truth, rng: np.random.Generator | None) -> NDArray[np.float64]:
        del state, truth, rng
        return self.world.quality.copy()


class Logger(_Bound):
    """Ranks by log p of the log's recommender; with an rng it draws from p (Gumbel), as in the log."""

    def _scores(self, state: State, truth: Truth, rng: np.random.Generator | None) -> NDArray[np.float64]:
        del truth
        with np.errstate(divide="ignore"):
            scores = np.log(logger.distribution(self.world, state))
        scores = np.maximum(scores, -1e30)
        return scores if rng is None else scores + rng.gumbel(size=len(scores))
