"""A reward model: the mean weak label of each item."""

import json

import numpy as np
from pydantic import Field

from crsbench import Options, Spec, hookimpl
from crsbench.types import Reward, Turn


class RewardOptions(Options):
    scale: float = Field(1.0, gt=0)


class MeanReward:
    def __init__(self, options):
        self.options = options
        self.values = []

    def fit(self, transitions, labels, ctx):
        sums, counts = np.zeros(len(ctx.catalog)), np.zeros(len(ctx.catalog))
        for t, p in zip(transitions, labels.probability, strict=True):
            if not np.isnan(p):
                sums[t.action.items[0]] += p * self.options.scale
                counts[t.action.items[0]] += 1
        ctx.step(1, {"reward/items": float((counts > 0).sum())})
        self.values = (sums / np.maximum(counts, 1)).tolist()
        return self

    def score(self, states, actions):
        return [Reward(self.values[a.items[0]]) for a in actions]

    def score_items(self, states):
        return np.tile(np.array(self.values, np.float32), (len(states), 1))

    def sample_reply(self, states, rng):
        return [Turn("user", "ok", ends=True) for _ in states]

    def save(self, directory):
        (directory / "reward.json").write_text(json.dumps(self.values))

    def load(self, directory, device="cpu"):
        self.values = json.loads((directory / "reward.json").read_text())
        return self


@hookimpl
def crsbench_rewards():
    return [Spec("toy-reward", MeanReward, RewardOptions)]
