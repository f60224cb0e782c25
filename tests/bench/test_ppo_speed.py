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
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from crsbench_ppo.ppo import PpoTrainer

from tests.bench import ppo_work
from tests.bench.ppo_work import PARTS, Work, decided, trainer

PEER = Path(__file__).parents[3] / "shared" / "peers" / "trl_ppo.py"
ROUNDS = int(os.environ.get("CRSBENCH_ROUNDS", "5"))
DIALOGUES = int(os.environ.get("CRSBENCH_DIALOGUES", "32"))


def peer(work: Work, precision: str) -> float:
    """Turns per second of TRL's trainer."""
    python = os.environ.get("CRSBENCH_PEER")
    if not python or not PEER.exists():
        pytest.skip(f"CRSBENCH_PEER names no python with trl 1.12, or {PEER} is missing")
    sizes = {name: getattr(work, name) for name in ("dialogues", "turns", "user", "system")}
    arguments = [f"--{name}={value}" for name, value in sizes.items()]
    arguments += ["--bf16"] if precision == "bf16" else []
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [python, str(PEER), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return float(json.loads(done.stdout.strip().splitlines()[-1])["turns_per_second"])


def test_the_work_is_what_it_is_said_to_be() -> None:
    """Every turn of every dialogue is learnt from, with all of its tokens."""
    for work in (Work(dialogues=3), Work(user=64, turns=1, dialogues=3)):
        turns = work.dialogues * work.turns
        assert decided(work) == (turns, turns * work.system)


@pytest.mark.timeout(0)  # TRL's side alone takes minutes a round
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("user", "turns", "aim"), [(20, 6, 12.0), (64, 1, 2.3)], ids=["dialogues", "single turns"]
)
def test_turns_per_second(
    benchmark: Any, tmp_path: Path, user: int, turns: int, aim: float, precision: str
) -> None:
    work = Work(user=user, turns=turns, dialogues=DIALOGUES * 6 // turns)
    theirs: list[float] = []
    ours: list[float] = []

    def before() -> tuple[tuple[PpoTrainer, Any], dict[str, Any]]:
        theirs.append(peer(work, precision))
        folder = tmp_path / str(len(theirs))
        folder.mkdir()
        return trainer(folder, work, precision), {}

    def round_of(one: PpoTrainer, seeds: Any) -> None:
        began = time.perf_counter()
        one.train(seeds)
        ours.append(work.dialogues * turns / (time.perf_counter() - began))

    benchmark.pedantic(round_of, setup=before, rounds=ROUNDS)
    ratio = median(ours) / median(theirs)
    benchmark.extra_info |= {"turns/s": median(ours), "TRL turns/s": median(theirs), "ratio": ratio}
    print(f"\n{median(ours):.2f} turns/s, TRL {median(theirs):.3f}, ratio {ratio:.1f} (aim {aim})")
    if precision == "fp32":
        assert ratio >= aim


SIZES: dict[str, tuple[int, ...]] = {
    "turns": (1, 3, 6, 12),
    "dialogues": (8, 32, 128),
    "vocabulary": (2000, 8000, 32000),
    "items": (64, 1000, 10_000),
    "layers": (2, 4, 8),
    "width": (128, 256, 512),
}


@pytest.mark.timeout(0)
def test_how_time_and_memory_grow() -> None:
    """A table, a line a size; each is measured in a process of its own, for its peak of memory."""
    usual = Work(dialogues=DIALOGUES)
    line = "{:<18}{:>8}{:>9}{:>8}{:>8}  {}"
    print("\n" + line.format("work", "s", "turns/s", "MiB", "floor", " ".join(PARTS.values())))
    for name, values in SIZES.items():
        for value in values:
            work = replace(usual, **{name: value})
            arguments = [f"--{key}={number}" for key, number in asdict(work).items()]
            done = subprocess.run(
                [sys.executable, str(ppo_work.__file__), *arguments],
                capture_output=True, text=True, check=True,
                env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
            )  # fmt: skip
            found = json.loads(done.stdout.splitlines()[-1])
            seconds, floor = found["seconds"], found["floor"]
            assert 0 < floor["all"] < seconds["all"]
            shares = (
                f"{seconds[part] / seconds['all']:.0%} ({floor[part] / seconds[part]:.0%})"
                for part in PARTS.values()
            )
            rate, reached = work.dialogues * work.turns / seconds["all"], floor["all"] / seconds["all"]
            cells = (f"{seconds['all']:.1f}", f"{rate:.2f}", f"{found['mib']:.0f}", f"{reached:.0%}")
            print(line.format(f"{name} {value}", *cells, " ".join(shares)), flush=True)
    print("floor: the share of the time that its operations alone take at the rate of matrix products;")
    print("of each part: its share of the time, and in brackets the share of its floor")
