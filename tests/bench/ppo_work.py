"""The work of one round of PPO, and what it costs: time, memory, operations, part by part.

As a program it does one round and prints what it took as one JSON line:

    python tests/bench/ppo_work.py --turns 6 --dialogues 32
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from unittest import mock

import crsbench_ppo.ppo
import numpy as np
import torch
from crsbench_features.links import LinkIndex
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import SftOptions
from crsbench_lm.pieces import SPECIALS
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.ppo import PpoTrainer
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

from crsbench.types import Action, Catalog, Item, Reward, State, Transition, Turn


@dataclass(frozen=True, slots=True)
class Work:
    """`dialogues` of so many `turns`, with `user` and `system` tokens a turn, and the size of the model."""

    user: int = 20
    system: int = 24
    turns: int = 6
    dialogues: int = 32
    vocabulary: int = 8000
    items: int = 64
    layers: int = 4
    width: int = 256


class Given:
    """Users who say random words and leave after the last turn, and a judge who thinks nothing of it."""

    def __init__(self, work: Work) -> None:
        self.words, self.vocabulary = (
            work.user - 2,
            work.vocabulary,
        )
        self.turns, self.items = work.turns, work.items
        self.rng = np.random.default_rng(0)

    def turn(self) -> Turn:
        words = self.rng.integers(len(SPECIALS), self.vocabulary, self.words)
        return Turn("user", " ".join(f"t{i}" for i in words))

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(float(self.rng.random())) for _ in actions]

    def score_items(self, states: Sequence[State]) -> NDArray[np.float32]:
        return np.zeros((len(states), self.items), np.float32)

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        taken = [sum(turn.speaker == "system" for turn in state.history) for state in states]
        return [self.turn() if n < self.turns else Turn("user", "", ends=True) for n in taken]


class Bench:
    """As much of a run's context as the trainer asks for."""

    device, seed = "cpu", 0

    def __init__(self, folder: Path, precision: str) -> None:
        self.checkpoints, self.precision = folder, precision

    def step(self, step: int, scalars: Any) -> None: ...

    def progress(self, steps: Any, total: int, description: str) -> Any:
        return steps


def trainer(folder: Path, work: Work, precision: str = "fp32") -> tuple[PpoTrainer, list[Transition]]:
    """A trainer with one round to do, and its seeds."""
    vocabulary = {name: i for i, name in enumerate(SPECIALS)}
    vocabulary |= {f"t{i}": i for i in range(len(SPECIALS), work.vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(SPECIALS))
    catalog = Catalog(tuple(Item(f"i{n}", f"t{n % (work.vocabulary - 10) + 10}") for n in range(work.items)))
    links = LinkIndex(catalog)
    torch.manual_seed(0)
    # <system>, <rec> and the item are ours alone; the codec wants some room, or it drops the oldest turn
    length = (work.user + work.system + 4) * work.turns + 16
    config = GPT2Config(
        vocab_size=work.vocabulary,
        bos_token_id=1,
        eos_token_id=1,
        n_positions=length,
        n_embd=work.width,
        n_layer=work.layers,
        n_head=work.width // 64,
    )
    model = GroundedLM(GPT2LMHeadModel(config), links).eval()
    codec = DialogueCodec(tokenizer, catalog, links, length)
    options = PpoOptions(
        iterations=1, dialogues=work.dialogues, turns=work.turns, epochs=4, value_warmup=0,
        minibatch=max(1, 48 // work.turns), learning_rate=1e-5, head_learning_rate=1e-5, curve=0,
        step_kl=1e9, kl_stop=1e9, entropy_floor=0.0,
        sft=SftOptions(max_words=work.system - 1),
    )  # fmt: skip
    users = Given(work)
    states = [State((users.turn(),)) for _ in range(work.dialogues)]
    seeds = [Transition(s, Action((0,)), None, s, False, True, f"d{n}", 0, 0) for n, s in enumerate(states)]
    ctx: Any = Bench(folder, precision)
    return PpoTrainer(model, codec, users, options, ctx), seeds  # pyright: ignore[reportArgumentType]


def decided(work: Work) -> tuple[int, int]:
    """Turns and tokens that a round's update learns from, those of items included."""
    with tempfile.TemporaryDirectory() as folder:
        made, seeds = trainer(Path(folder), work)
        rows, _ = made._rollout(1, seeds)
    return sum(int((c.items >= 0).sum()) for c in rows), sum(
        int((c.items >= 0).sum() + c.said.sum()) for c in rows
    )


PARTS = {"_rollout": "rollout", "_prepare": "old and reference", "improve": "update", "_keep": "checkpoint"}


def by_part(work: Work, gauge: Callable[[], float]) -> dict[str, float]:
    """How far `gauge` moves in each part of a round, and in all of it."""
    spent: dict[str, float] = defaultdict(float)

    def gauged(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def one(*args: Any, **kwargs: Any) -> Any:
            before = gauge()
            try:
                return call(*args, **kwargs)
            finally:
                spent[PARTS.get(name, name)] += gauge() - before

        return one

    with tempfile.TemporaryDirectory() as folder:
        made, seeds = trainer(Path(folder), work)
        for name in PARTS.keys() - {"improve"}:
            setattr(made, name, gauged(name, getattr(made, name)))
        with mock.patch.object(crsbench_ppo.ppo, "improve", gauged("improve", crsbench_ppo.ppo.improve)):
            gauged("all", made.train)(seeds)
    return dict(spent)


def matrix_rate(n: int = 1024, seconds: float = 1.0) -> float:
    """Floating-point operations a second of products of fp32 matrices, the best of several."""
    a, b, best, end = torch.randn(n, n), torch.randn(n, n), 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        a @ b
        best = max(best, 2 * n**3 / (time.perf_counter() - began))
    return best


def cost(work: Work) -> dict[str, Any]:
    """Seconds of each part, its floor by the operations it does, and the peak of the memory it adds (MiB)."""
    by_part(Work(dialogues=2, turns=1), time.perf_counter)  # what is loaded on first use
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = by_part(work, time.perf_counter)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with FlopCounterMode(display=False) as counter:
        operations = by_part(work, lambda: float(counter.get_total_flops()))
    rate = matrix_rate()
    floor = {name: count / rate for name, count in operations.items()}
    return {**asdict(work), "seconds": seconds, "floor": floor, "mib": peak, "gflops": rate / 1e9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Work):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    print(json.dumps(cost(Work(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
