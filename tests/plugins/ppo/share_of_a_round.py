"""One process of several: its part of two updates, on conversations that are the same for any number of them.

Run as `share_of_a_round.py OUT ROLLOUT`; the main process writes what it ends with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from crsbench_lm.build import build_model
from crsbench_lm.options import TinyOptions
from crsbench_ppo import processes
from crsbench_ppo.objective import Discounts
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.packing import Decisions, Reading, ValueHead, decisions, read, sayable
from crsbench_ppo.ppo import by_dialogue, estimate, explained_variance, improve
from crsbench_ppo.rollout import logged_rollout, model_rollout
from safetensors.torch import save_file

from tests.plugins.conftest import ToyContext, toy_catalog, toy_dialogue
from tests.plugins.ppo.test_ppo import KnownReward

N, MINIBATCH = 8, 4


def main(out: Path, rollout: str) -> None:
    PartialState(cpu=True)
    catalog = toy_catalog()
    rng = np.random.default_rng(0)
    context = ToyContext(catalog, [toy_dialogue(catalog, n, rng) for n in range(40)])
    torch.manual_seed(0)
    texts = [dialogue.turns for dialogue in context.train.dialogues]
    model, codec = build_model(
        "tiny", TinyOptions(width=32, layers=1, heads=2, vocabulary=400), texts, catalog, 128
    )
    value = ValueHead(model.free.embedding_dim)
    if rollout == "model":
        starts = [t for t in context.transitions if t.index == 0][:N]
        found, _ = model_rollout(model.eval(), codec, KnownReward(), starts, 2, 6, rng)
    else:
        found = logged_rollout(model.eval(), codec, KnownReward(), by_dialogue(context.transitions)[:N], rng)
    mine = found[processes.rank() :: processes.size()]
    share = processes.share(MINIBATCH, "minibatch")
    say = sayable(codec)

    def reader(d: Decisions) -> Reading:
        return read(model, value, d, say)

    with torch.no_grad():
        read_once = [
            (d, reader(d), reader(d))
            for d in (decisions(mine[i : i + share], codec, "cpu") for i in range(0, len(mine), share))
        ]
    prepared = estimate(read_once, Discounts(0.5, 0.95, 1.0, 1.0), white=True)
    options = PpoOptions(epochs=2, step_kl=1e9)
    trained = [*model.parameters(), *value.parameters()]
    scalars = improve(
        reader, torch.optim.SGD(trained, 0.1), prepared, options, 0.02, np.random.default_rng(1)
    )
    scalars["explained_variance"] = explained_variance(prepared)
    if processes.rank() == 0:
        tensors = {name: p.detach().clone().contiguous() for name, p in model.named_parameters()}
        tensors |= {f"value/{name}": p.detach().clone() for name, p in value.named_parameters()}
        tensors |= {f"scalar/{name}": torch.tensor(x) for name, x in scalars.items()}
        tensors["processes"] = torch.tensor(processes.size())
        save_file(tensors, out)
    PartialState().destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
