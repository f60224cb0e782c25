"""An SFT-like policy (counts), a PPO-like one on top of it, one that does not talk, a privileged one."""

import json
import random

import numpy as np
from pydantic import Field

from crsbench import Options, Spec, hookimpl
from crsbench.types import Action

BUILT = []  # names of stages that were built, for the tests
SEEN = []  # what fit was handed


class SftOptions(Options):
    bonus: float = 0.0


class PpoOptions(Options):
    strength: float = Field(1.0, ge=0)
    sft: SftOptions = SftOptions()


def ranked(scores, k, mask, rng):
    actions = []
    for row, values in enumerate(scores):
        values = np.where(mask[row], values, -np.inf) if mask is not None else values
        if rng is not None:
            values = values + rng.gumbel(size=len(values))
        order = [int(i) for i in np.argsort(-values, kind="stable") if np.isfinite(values[i])][:k]
        kept = tuple(float(values[i]) for i in order)
        actions.append(Action(tuple(order), kept, f"see film {order[0]}"))
    return actions


class Scores:
    """A policy that is a list of scores."""

    def __init__(self, values):
        self.values = values

    def act(self, states, want="ranking", k=50, mask=None, rng=None):
        assert all(state.session is None for state in states)
        return ranked([np.array(self.values)] * len(states), k, mask, rng)


def sft_stage(ctx, train, options):
    def build(folder):
        BUILT.append("sft")
        counts = np.zeros(len(ctx.catalog))
        for dialogue in train.dialogues:
            for turn in dialogue.turns:
                for item in turn.recommended:
                    counts[item] += 1
        ctx.step(1, {"sft/loss": 0.5})
        ctx.step(2, {"sft/loss": 0.25})
        noise = random.random() + float(np.random.rand())
        (folder / "sft.json").write_text(json.dumps([*(counts + options.bonus).tolist(), noise]))

    return ctx.stage(
        "sft", options.model_dump(), build, lambda folder: json.loads((folder / "sft.json").read_text())
    )


class Sft:
    needs = frozenset()

    def __init__(self, options):
        self.options = options
        self.policy = Scores([])

    def fit(self, train, ctx):
        SEEN.append((train, ctx))
        print("fitting sft")
        self.policy = Scores(sft_stage(ctx, train, self.options).value[:-1])
        return self

    def act(self, *args, **kwargs):
        return self.policy.act(*args, **kwargs)

    def stages(self):
        return {"final": self}

    def save(self, directory):
        (directory / "scores.json").write_text(json.dumps(self.policy.values))

    def load(self, directory, device="cpu"):
        self.policy = Scores(json.loads((directory / "scores.json").read_text()))
        return self


class Ppo(Sft):
    needs = frozenset({"reward"})

    def fit(self, train, ctx):
        SEEN.append((train, ctx))
        sft = sft_stage(ctx, train, self.options.sft)
        reward = ctx.reward

        def build(folder):
            BUILT.append("ppo")
            learnt = np.array(sft.value[:-1]) + self.options.strength * reward.value.score_items([None])[0]
            (folder / "ppo.json").write_text(json.dumps(learnt.tolist()))

        inputs = {"sft": sft.id, "reward": reward.id, "strength": self.options.strength}
        ppo = ctx.stage("ppo", inputs, build, lambda f: json.loads((f / "ppo.json").read_text()))
        self.before = Scores(sft.value[:-1])
        self.policy = Scores(ppo.value)
        return self

    def stages(self):
        return {"sft": self.before, "final": self}


class Mute(Sft):
    """Says nothing and has no stage."""

    def fit(self, train, ctx):
        SEEN.append((train, ctx))
        ctx.step(1, {"mute/loss": float("nan")})
        self.policy = Scores([float(i) for i in range(len(ctx.catalog))])
        return self

    def act(self, *args, **kwargs):
        return [Action(a.items, a.scores) for a in self.policy.act(*args, **kwargs)]


class Oracle(Sft):
    def fit(self, train, ctx):
        return self

    def act(self, states, want="ranking", k=50, mask=None, rng=None, *, truths):
        return ranked([truth.utilities for truth in truths], k, mask, rng)


@hookimpl
def crsbench_policies():
    return [
        Spec("toy-sft", Sft, SftOptions),
        Spec("toy-ppo", Ppo, PpoOptions),
        Spec("toy-mute", Mute),
        Spec("toy-oracle", Oracle, privileged=True),
    ]
