"""Killed at random moments and started again, training ends where it would have ended, bit for bit."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.build import build_model
from crsbench_lm.options import SftOptions, TinyOptions
from crsbench_ppo import checkpoint
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.ppo import PpoTrainer
from safetensors.torch import load_file, save_file
from torch import nn

from crsbench.store import Store, checkpoints
from crsbench.types import Reward, Turn

TINY = TinyOptions(width=32, layers=1, heads=2, vocabulary=400)
KILLS = int(os.environ.get("CRSBENCH_KILLS", "3"))
ROUNDS = 3 * KILLS  # more than are done between one kill and the next


class Noisy:
    """A judge that draws from every global random state there is."""

    def score(self, states: Any, actions: Any) -> list[Reward]:
        noise = random.random() + float(np.random.rand()) + float(torch.rand(()))
        return [Reward(a.items[0] / 12 + 0.1 * noise) for a in actions]

    def score_items(self, states: Any) -> np.ndarray[Any, Any]:
        bait = 3 * (np.arange(12) == 7)  # less of it is believed, and steps are smaller
        return (np.random.rand(len(states), 12) + bait).astype(np.float32)

    def sample_reply(self, states: Any, rng: np.random.Generator) -> list[Turn]:
        return [Turn("user", "what else?", ends=bool(rng.random() < 0.2)) for _ in states]


def train(out: Path, ctx: Any, log: Path) -> None:
    """The stage `ppo`, built or gone on with."""
    options = PpoOptions(
        iterations=ROUNDS, dialogues=12, minibatch=6, turns=2, epochs=2, value_warmup=1, anneal=True,
        kl_spread=1.0, sft=SftOptions(max_words=3),
    )  # fmt: skip

    def build(folder: Path) -> int:
        checkpoints(folder).mkdir(exist_ok=True)
        ctx.kept = checkpoints(folder)
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(0)
        texts = [d.turns for d in ctx.train.dialogues[:40]]
        model, codec = build_model("tiny", TINY, texts, ctx.catalog, 64)
        trainer = PpoTrainer(model.eval(), codec, Noisy(), options, ctx)  # pyright: ignore

        def after(step: int) -> None:
            with log.open("a") as file:
                file.write(f"{step}\n")

        trainer.train(ctx.transitions, after)
        save_file({k: v.clone() for k, v in model.state_dict().items()}, folder / "files" / "w.safetensors")
        (folder / "files" / "history.txt").write_text(repr(trainer.history) + repr(ctx.scalars))
        return 0

    Store(out).stage("ppo", {}, build)


def forked(work: Callable[[], None]) -> int:
    """Run `work` in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            torch.set_num_threads(1)
            work()
            status = 0
        finally:
            os._exit(status)
    return child


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork with threads about: they stay idle
def test_killed_at_random_moments_it_ends_with_the_same_weights(toy_context: Any, tmp_path: Path) -> None:
    def files(name: str) -> Path | None:
        finished = (tmp_path / name / "stages").glob("????????????????/stage.json")
        return next((path.parent / "files" for path in finished), None)

    began = time.monotonic()
    child = forked(lambda: train(tmp_path / "alone", toy_context, tmp_path / "alone.log"))
    assert os.waitpid(child, 0)[1] == 0
    took = time.monotonic() - began
    rng = random.Random(time.time_ns())
    for _ in range(KILLS):
        child = forked(lambda: train(tmp_path / "killed", toy_context, tmp_path / "killed.log"))
        time.sleep(rng.uniform(0.5, 2.5) * took / ROUNDS)
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    child = forked(lambda: train(tmp_path / "killed", toy_context, tmp_path / "killed.log"))
    assert os.waitpid(child, 0)[1] == 0
    alone, killed = files("alone"), files("killed")
    assert alone
    assert killed
    one, other = (load_file(folder / "w.safetensors") for folder in (alone, killed))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert (alone / "history.txt").read_text() == (killed / "history.txt").read_text()
    steps = [int(step) for step in (tmp_path / "killed.log").read_text().split()]
    assert sorted(set(steps)) == list(range(1, ROUNDS + 1))
    assert len(steps) <= ROUNDS + KILLS  # a kill costs the round that it falls into, and no more


def test_a_checkpoint_brings_everything_back(tmp_path: Path) -> None:
    def made() -> tuple[nn.Module, torch.optim.Optimizer, np.random.Generator]:
        model = nn.Linear(3, 2)
        return model, torch.optim.AdamW(model.parameters(), lr=0.1), np.random.default_rng(1)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, rng: np.random.Generator) -> float:
        drawn = random.random() + float(np.random.rand()) + float(torch.rand(())) + rng.random()
        model(torch.full((1, 3), drawn)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        return drawn

    model, optimizer, rng = made()
    step(model, optimizer, rng)
    checkpoint.write(tmp_path, {"m": model}, optimizer, rng, {"beta": 0.1 + 0.2, "history": [{"x": 1.5}]})
    after = [step(model, optimizer, rng) for _ in range(3)]
    again, optimizer, rng = made()
    facts = checkpoint.read(tmp_path, {"m": again}, optimizer, rng)
    assert facts == {"beta": 0.1 + 0.2, "history": [{"x": 1.5}]}
    assert [step(again, optimizer, rng) for _ in range(3)] == after
    assert torch.equal(again.weight, model.weight)  # pyright: ignore
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_without_a_checkpoint_nothing_is_touched(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    before = model.weight.clone()
    optimizer = torch.optim.AdamW(model.parameters())
    assert checkpoint.read(tmp_path, {"m": model}, optimizer, np.random.default_rng()) is None
    assert torch.equal(model.weight, before)
