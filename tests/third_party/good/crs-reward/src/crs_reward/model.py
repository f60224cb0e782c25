"""Rare items are worth more: 1 / (1 + times recommended in train)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.protocols import Context
from crsbench.types import Action, Reward, State, Transition, Turn, WeakLabel


class Novel:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.worth = np.zeros(0, np.float32)

    def fit(self, transitions: Sequence[Transition], labels: WeakLabel, ctx: Context) -> Self:
        shown = [t.action.items[0] for t in transitions]
        self.worth = (1 / (1 + np.bincount(shown, minlength=len(ctx.catalog)))).astype(np.float32)
        return self

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(float(self.worth[a.items[0]]) if a.items else 0.0) for a in actions]

    def score_items(self, states: Sequence[State]) -> NDArray[np.float32]:
        return np.tile(self.worth, (len(states), 1))

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        return [Turn("user", "what else is there?", ends=bool(rng.random() < 0.5)) for _ in states]

    def save(self, directory: Path) -> None:
        (directory / "worth.json").write_text(json.dumps(self.worth.tolist()))

    def load(self, directory: Path, device: str = "cpu") -> Self:
        self.worth = np.array(json.loads((directory / "worth.json").read_text()), np.float32)
        return self
