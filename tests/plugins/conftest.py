"""A toy world for plugins that learn: twelve films, users who name a genre, a system that follows it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crsbench.episode import transitions
from crsbench.protocols import Staged
from crsbench.types import Catalog, Dialogue, Item, Mention, Signal, Split, Transition, Turn, WeakLabel

GENRES = ("comedy", "horror", "western")


NAMES = "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Mu Nu"


def toy_catalog() -> Catalog:
    names = enumerate(NAMES.split())
    return Catalog(
        tuple(
            Item(f"i{n}", f"Film {name}", None, {"genre": (GENRES[n % 3],), "mood": (f"mood{n % 4}",)})
            for n, name in names
        )
    )


def says(text: str, *names: tuple[str, int | None]) -> tuple[Mention, ...]:
    return tuple(
        Mention(name, item, (text.index(name), text.index(name) + len(name))) for name, item in names
    )


def toy_dialogue(catalog: Catalog, n: int, rng: np.random.Generator) -> Dialogue:
    """Two recommendations; the user is glad where the genre is the one that was named."""
    genre = GENRES[int(rng.integers(3))]
    opening = f"I like {genre} films"
    turns = [Turn("user", opening, says(opening, (genre, None)), seconds=0.0)]
    for step in range(2):
        item = int(rng.integers(12))
        title = catalog.items[item].title
        text = f"You could watch {title} tonight"
        glad = GENRES[item % 3] == genre
        reply = "great, I love it" if glad else "no, that is bad"
        turns.append(Turn("system", text, says(text, (title, item)), (item,), 10.0 * step + 1))
        turns.append(Turn("user", reply, seconds=10.0 * step + 5, ends=step == 1))
    return Dialogue(f"d{n}", tuple(turns))


@pytest.fixture(scope="session")
def toy() -> tuple[Catalog, tuple[Dialogue, ...]]:
    rng = np.random.default_rng(0)
    catalog = toy_catalog()
    return catalog, tuple(toy_dialogue(catalog, n, rng) for n in range(240))


class ToyContext:
    """A run's context without a run: stages are built in a temporary folder and read back."""

    model, device, precision = "tiny", "cpu", "fp32"

    def __init__(self, catalog: Catalog, dialogues: Sequence[Dialogue], seed: int = 0) -> None:
        self.catalog, self.seed = catalog, seed
        self.train = Split(tuple(dialogues))
        self.valid = Split(tuple(dialogues[:20]))
        self.transitions: list[Transition] = [t for d in dialogues for t in transitions(d)]
        self.scalars: list[Mapping[str, float]] = []
        self.signals: list[Signal] = []
        self.reward: Staged[Any]
        self.kept: Path | None = None

    def stage(
        self,
        name: str,
        inputs: Mapping[str, object],
        build: Callable[[Path], None],
        load: Callable[[Path], Any],
        together: bool = False,
    ) -> Staged[Any]:
        folder = Path(tempfile.mkdtemp())
        torch.manual_seed(self.seed)
        build(folder)
        return Staged(load(folder), name, folder)

    @property
    def checkpoints(self) -> Path:
        if self.kept is None:
            self.kept = Path(tempfile.mkdtemp())
        return self.kept

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        self.scalars.append(scalars)

    def progress(self, steps: Iterable[Any], total: int, description: str) -> Iterable[Any]:
        return steps


@pytest.fixture
def toy_context(toy: tuple[Catalog, tuple[Dialogue, ...]]) -> ToyContext:
    catalog, dialogues = toy
    context = ToyContext(catalog, dialogues)
    glad = np.array([float(t.reply is not None and "love" in t.reply.text) for t in context.transitions])
    context.signals = [Signal("sentiment", glad, "1", "logged")]
    return context


@pytest.fixture
def toy_labels(toy_context: ToyContext) -> WeakLabel:
    glad = toy_context.signals[0].values
    return WeakLabel(0.1 + 0.8 * glad, np.ones(len(glad)))
