"""The smallest part of each kind, over the tiny world.

They come through the same door as everything else (`PLUGIN`): a plugin is checked as a run would use it, with
nothing beside it that takes time.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from crsbench.config import Options
from crsbench.discovery import Found, Origin
from crsbench.hookspecs import Spec, hookimpl
from crsbench.protocols import Context, Need, Policy, Want
from crsbench.testing.tiny import answer, tiny_catalog, tiny_corpus, truth_of, wish
from crsbench.types import (
    Absent,
    Action,
    Corpus,
    Episode,
    RankedRow,
    Reward,
    Signal,
    Split,
    State,
    Transition,
    Truth,
    Turn,
    Values,
    WeakLabel,
)

NAME = "crsbench-testing/tiny"
PLUGIN = Found("tiny", Origin("crsbench-testing", "1", __name__), lambda: sys.modules[__name__])


class Dataset:
    protocols: ClassVar[tuple[str, ...]] = ("plain",)
    default_protocol: ClassVar[str] = "plain"
    simulator: ClassVar[str | None] = NAME

    def __init__(self, options: Options) -> None:
        self.options = options

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:
        del protocol, data_dir, seed
        return tiny_corpus()


class Users:
    """User n wants a genre, says so, and leaves after two or three turns."""

    episodes: ClassVar[int] = 6

    def __init__(self, options: Options) -> None:
        self.options = options
        self.catalog = tiny_catalog()

    def start(self, seeds: Sequence[int]) -> list[State]:
        return [State((wish(seed, self.catalog),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        answers: list[tuple[Turn | None, bool]] = []
        for state, action in zip(states, actions, strict=True):
            over = len(state.history) // 2 + 1 >= 2 + (state.session or 0) % 2
            answers.append((answer(state.history[0], action.items[0], None, ends=over), over))
        return answers

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        return [truth_of(state, self.catalog) for state in states]


class Joy:
    """A signal: 1 where the reply says love, 0 where it does not, nan where there is none."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        joy = [np.nan if t.reply is None else float("love" in t.reply.text) for t in transitions]
        return Signal("tiny", np.array(joy, np.float64), "1", "logged")


class Mean:
    """A label model: the probability is the mean of the signals, brought into .1 … .9."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, signals: Sequence[Signal]) -> Self:
        del signals
        return self

    def predict(self, signals: Sequence[Signal]) -> WeakLabel:
        known = np.stack([signal.values for signal in signals])
        count = (~np.isnan(known)).sum(axis=0)
        total = np.nansum(np.clip(known, 0, 1), axis=0)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return WeakLabel(0.1 + 0.8 * mean, (count > 0).astype(np.float64))


class ItemReward:
    """A reward model: the mean weak label of each item; users answer yes or no."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.worth = np.zeros(0, np.float32)

    def fit(self, transitions: Sequence[Transition], labels: WeakLabel, ctx: Context) -> Self:
        sums, counts = np.full(len(ctx.catalog), 0.5), np.ones(len(ctx.catalog))
        for t, p in zip(transitions, labels.probability.tolist(), strict=True):
            if p == p:  # is known
                sums[t.action.items[0]] += p
                counts[t.action.items[0]] += 1
        self.worth = (sums / counts).astype(np.float32)
        return self

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        del states
        mean = float(self.worth.mean())
        return [Reward(float(self.worth[a.items[0]]) if a.items else mean) for a in actions]

    def score_items(self, states: Sequence[State]) -> NDArray[np.float32]:
        return np.tile(self.worth, (len(states), 1))

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        return [Turn("user", "yes" if u < 0.5 else "no", ends=bool(u < 0.1)) for u in rng.random(len(states))]

    def save(self, directory: Path) -> None:
        (directory / "worth.json").write_text(json.dumps(self.worth.tolist()))

    def load(self, directory: Path, device: str = "cpu") -> Self:
        del device
        self.worth = np.array(json.loads((directory / "worth.json").read_text()), np.float32)
        return self


class Counts:
    """A policy that talks: the items recommended most often in train."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __init__(self, options: Options) -> None:
        self.options = options
        self.order: list[int] = []

    def fit(self, train: Split, ctx: Context) -> Self:
        counts = Counter(i for one in train.dialogues for turn in one.turns for i in turn.recommended)
        self.order = sorted(range(len(ctx.catalog)), key=lambda item: -counts[item])
        return self

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        del want, rng
        allowed = [[i for i in self.order if mask is None or mask[s, i]][:k] for s in range(len(states))]
        return [Action(tuple(items), text=f"see number {items[0]}") for items in allowed]

    def stages(self) -> Mapping[str, Policy]:
        return {"final": self}

    def save(self, directory: Path) -> None:
        (directory / "order.json").write_text(json.dumps(self.order))

    def load(self, directory: Path, device: str = "cpu") -> Self:
        del device
        self.order = json.loads((directory / "order.json").read_text())
        return self


class First:
    """A metric: is a target ranked first?"""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "rankings"

    def __init__(self, options: Options) -> None:
        self.options = options

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        del corpus
        rows = [row for row in judged if isinstance(row, RankedRow)]
        ids, groups = tuple(row.row.id for row in rows), tuple(row.row.dialogue for row in rows)
        return [Values("tiny", "all", "row", ids, groups, tuple(float(1 in row.ranks) for row in rows))]


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [Spec("tiny", Dataset)]


@hookimpl
def crsbench_signals() -> list[Spec]:
    return [Spec("tiny", Joy)]


@hookimpl
def crsbench_labels() -> list[Spec]:
    return [Spec("tiny", Mean)]


@hookimpl
def crsbench_rewards() -> list[Spec]:
    return [Spec("tiny", ItemReward)]


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("tiny", Counts)]


@hookimpl
def crsbench_metrics() -> list[Spec]:
    return [Spec("tiny", First)]


@hookimpl
def crsbench_simulators() -> list[Spec]:
    return [Spec("tiny", Users)]
