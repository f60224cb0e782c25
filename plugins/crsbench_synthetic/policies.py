"""The scenario's bounds: they see the truth or the world's hidden numbers, and never rank in a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.errors import UsageError
from crsbench.protocols import Context, Need, PrivilegedPolicy, Want
from crsbench.types import Action, Split, State, Truth
from crsbench_synthetic import logger, users
from crsbench_synthetic.scenarios import SCENARIOS
from crsbench_synthetic.world import ScenarioCatalog, World, make_world, stream

_LUCK = 24


class _Bound:
    """Ranks by `_scores` and speaks like the log; with an rng the logger's words vary."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __init__(self, options: Options | None = None) -> None:
        del options  # a bound has none: the catalogue says which world it is of
        self._world: World | None = None

    @property
    def world(self) -> World:
        if self._world is None:
            raise ValueError("the bound does not know its world before fit() or load()")
        return self._world

    def fit(self, train: Split, ctx: Context) -> Self:
        """Nothing is learnt; the world is that of the catalogue. Raises UsageError where it is of none."""
        del train
        catalog = ctx.catalog
        if not isinstance(catalog, ScenarioCatalog):
            raise UsageError(
                "this bound needs data whose truth is known", f"one of the datasets {', '.join(SCENARIOS)}"
            )
        self._world = make_world(len(catalog), catalog.seed, SCENARIOS[catalog.scenario])
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
        """[I]: where the bounds differ."""
        raise NotImplementedError

    def stages(self) -> Mapping[str, PrivilegedPolicy]:
        return {"final": self}

    def save(self, directory: Path) -> None:
        world = self.world
        where = {"scenario": world.scenario.name, "items": len(world.catalog), "seed": world.seed}
        (directory / "bound.json").write_text(json.dumps(where) + "\n")

    def load(self, directory: Path, device: str = "cpu") -> Self:
        del device
        where = json.loads((directory / "bound.json").read_bytes())
        self._world = make_world(where["items"], where["seed"], SCENARIOS[where["scenario"]])
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
