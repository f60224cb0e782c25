"""Turns per second of PPO, rollout and update, beside TRL 1.12 on the same work.

No part of the quick tests: on a machine that does nothing else,

    python -m venv PEER && PEER/bin/pip install torch==2.13.0 trl==1.12.0
    CRSBENCH_PEER=PEER/bin/python pytest tests/bench/test_ppo_speed.py -s

Both sides have a GPT-2 of the same size and vocabulary, as many dialogues, turns and tokens, 4 epochs, one
step for 48 turns, a KL to a reference, a learnt value and fp32; what users say is given, and what a turn is
worth costs nothing here (TRL asks a reward model, once a turn). They run in turns; the medians count.
CRSBENCH_ROUNDS (5) and CRSBENCH_DIALOGUES (32) make a quicker look.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_features.links import LinkIndex
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import SftOptions
from crsbench_lm.pieces import SPECIALS
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.ppo import PpoTrainer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel

from crsbench.types import Action, Catalog, Item, Reward, State, Transition, Turn

PEER = Path(__file__).parents[3] / "shared" / "peers" / "trl_ppo.py"
ROUNDS = int(os.environ.get("CRSBENCH_ROUNDS", "5"))
DIALOGUES = int(os.environ.get("CRSBENCH_DIALOGUES", "32"))
VOCABULARY, LAYERS, WIDTH, SYSTEM, ITEMS = 8000, 4, 256, 24, 64


class Given:
    """Users who say so many random words, and a judge who thinks nothing of it."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.rng = np.random.default_rng(0)

    def turn(self) -> Turn:
        words = self.rng.integers(len(SPECIALS), VOCABULARY, self.words)
        return Turn("user", " ".join(f"t{i}" for i in words))

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(float(self.rng.random())) for _ in actions]

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        return [self.turn() for _ in states]


class Bench:
    """As much of a run's context as the trainer asks for."""

    device, seed = "cpu", 0

    def __init__(self, folder: Path, precision: str) -> None:
        self.checkpoints, self.precision = folder, precision

    def step(self, step: int, scalars: Any) -> None: ...

    def progress(self, steps: Any, total: int, description: str) -> Any:
        return steps


def trainer(folder: Path, user: int, turns: int, dialogues: int, precision: str) -> tuple[PpoTrainer, Any]:
    """A trainer with one round to do, and its seeds. Turns hold `user` and SYSTEM tokens."""
    vocabulary = {name: i for i, name in enumerate(SPECIALS)}
    vocabulary |= {f"t{i}": i for i in range(len(SPECIALS), VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(SPECIALS))
    catalog = Catalog(tuple(Item(f"i{n}", f"t{n + 10}") for n in range(ITEMS)))
    links = LinkIndex(catalog)
    torch.manual_seed(0)
    length = (user + SYSTEM + 2) * turns + 8  # <system> and <rec> are ours alone
    config = GPT2Config(
        vocab_size=VOCABULARY,
        bos_token_id=1,
        eos_token_id=1,
        n_positions=length,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=WIDTH // 64,
    )
    model = GroundedLM(GPT2LMHeadModel(config), links).eval()
    codec = DialogueCodec(tokenizer, catalog, links, length)
    options = PpoOptions(
        iterations=1, dialogues=dialogues, turns=turns, epochs=4, minibatch=max(1, 48 // turns),
        value_warmup=0, learning_rate=1e-5, head_learning_rate=1e-5, curve=0,
        step_kl=1e9, kl_stop=1e9, entropy_floor=0.0, sft=SftOptions(max_words=SYSTEM - 1),
    )  # fmt: skip
    users = Given(user - 2)  # <user> and <eot> are tokens of the turn
    states = [State((users.turn(),)) for _ in range(dialogues)]
    seeds = [Transition(s, Action((0,)), None, s, False, True, f"d{n}", 0, 0) for n, s in enumerate(states)]
    ctx: Any = Bench(folder, precision)
    return PpoTrainer(model, codec, users, options, ctx), seeds  # pyright: ignore[reportArgumentType]


def peer(user: int, turns: int, dialogues: int, precision: str) -> float:
    """Turns per second of TRL's trainer."""
    python = os.environ.get("CRSBENCH_PEER")
    if not python or not PEER.exists():
        pytest.skip(f"CRSBENCH_PEER names no python with trl 1.12, or {PEER} is missing")
    sizes = {"dialogues": dialogues, "turns": turns, "user": user, "system": SYSTEM}
    arguments = [f"--{name}={value}" for name, value in sizes.items()]
    arguments += ["--bf16"] if precision == "bf16" else []
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [python, str(PEER), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return float(json.loads(done.stdout.strip().splitlines()[-1])["turns_per_second"])


@pytest.mark.timeout(0)  # TRL's side alone takes minutes a round
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("user", "turns", "aim"), [(20, 6, 12.0), (64, 1, 2.3)], ids=["dialogues", "single turns"]
)
def test_turns_per_second(
    benchmark: Any, tmp_path: Path, user: int, turns: int, aim: float, precision: str
) -> None:
    dialogues = DIALOGUES * 6 // turns
    theirs: list[float] = []
    ours: list[float] = []

    def before() -> tuple[tuple[PpoTrainer, Any], dict[str, Any]]:
        theirs.append(peer(user, turns, dialogues, precision))
        folder = tmp_path / str(len(theirs))
        folder.mkdir()
        return trainer(folder, user, turns, dialogues, precision), {}

    def round_of(one: PpoTrainer, seeds: Any) -> None:
        began = time.perf_counter()
        one.train(seeds)
        ours.append(dialogues * turns / (time.perf_counter() - began))

    benchmark.pedantic(round_of, setup=before, rounds=ROUNDS)
    ratio = median(ours) / median(theirs)
    benchmark.extra_info |= {"turns/s": median(ours), "TRL turns/s": median(theirs), "ratio": ratio}
    print(f"\n{median(ours):.2f} turns/s, TRL {median(theirs):.3f}, ratio {ratio:.1f} (aim {aim})")
    if precision == "fp32":
        assert ratio >= aim
