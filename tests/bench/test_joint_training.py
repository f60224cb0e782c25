"""Slow: does R_φ gain from learning to predict the user's reply, and the model of the reply from R_φ?

Three arms on the same dialogues, five seeds: both losses (the default), weak labels without the transition
loss, replies without labels. Judged on the test dialogues: AUC against what users truly felt, and the
cross-entropy of their words. CRSBENCH_DIALOGUES says how many dialogues of train are used (4,000).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_rewards.options import RewardOptions
from crsbench_rewards.reward import IufReward
from crsbench_rewards.training import examples, held_out_losses
from crsbench_signals.latent_class import LatentClass
from crsbench_synthetic.options import DatasetOptions
from scipy import stats
from sklearn.metrics import roc_auc_score

from crsbench.context import measure
from crsbench.episode import transitions
from crsbench.plan import SIGNALS
from crsbench.types import Split, Transition, WeakLabel

SEEDS = 5
DIALOGUES = int(os.environ.get("CRSBENCH_DIALOGUES", "4000"))


def steps(split: Split) -> list[Transition]:
    return [step for one in split.dialogues for step in transitions(one)]


@pytest.mark.timeout(0)  # fifteen fits, a minute each on one thread
def test_joint_training(host: Any) -> None:
    options = DatasetOptions(dialogues=DIALOGUES)
    corpus = host.find("dataset", "synthetic").make(options).load("logged", Path("no"), 0)
    train, test = steps(corpus.train), steps(corpus.test)
    offers = [host.find("signal", name) for name in SIGNALS]
    signals = [measure(o.make(o.options_model()()), train, corpus.catalog) for o in offers]
    labels = LatentClass().fit(signals).predict(signals)
    unlabelled = WeakLabel(np.full(len(train), np.nan), np.zeros(len(train)))
    z = [corpus.sealed.feedback[t.dialogue].liked[t.action.items[0]] for t in test]
    arms = {
        "both": (labels, RewardOptions()),
        "labels alone": (labels, RewardOptions(transition=0)),
        "replies alone": (unlabelled, RewardOptions(signals=0)),
    }
    found: dict[str, list[tuple[float, float]]] = {arm: [] for arm in arms}
    for seed in range(SEEDS):
        for arm, (label, chosen) in arms.items():
            ctx = context(corpus.catalog, signals, seed)
            torch.manual_seed(seed)
            model = IufReward(chosen).fit(train, label, ctx)
            worth = [r.total for r in model.score([t.state for t in test], [t.action for t in test])]
            nothing = WeakLabel(np.full(len(test), np.nan), np.zeros(len(test)))
            rows = examples(
                test, nothing, np.zeros((len(test), model.network.signals.out_features)), model.codec
            )
            nll = held_out_losses(model.network, model.codec, rows, "cpu")["reply_nll"]
            found[arm].append((float(roc_auc_score(z, worth)), nll))
            print(
                f"seed {seed}, {arm}: AUC {found[arm][-1][0]:.4f}, reply {nll:.4f} nats a token", flush=True
            )
    difference("AUC, both − labels alone", found, 0, "labels alone")
    difference("reply, both − replies alone", found, 1, "replies alone")
    assert min(auc for auc, _ in found["both"]) > 0.6
    assert max(nll for _, nll in found["both"]) < min(nll for _, nll in found["labels alone"])


def difference(name: str, found: dict[str, list[tuple[float, float]]], at: int, against: str) -> None:
    """Print the paired difference over seeds with its t-interval."""
    pairs = zip(found["both"], found[against], strict=True)
    d = np.array([ours[at] - theirs[at] for ours, theirs in pairs])
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    print(f"{name}: {d.mean():+.4f} [{d.mean() - half:+.4f}, {d.mean() + half:+.4f}], {len(d)} seeds")


def context(catalog: Any, signals: list[Any], seed: int) -> Any:
    def progress(steps: Iterable[Any], total: int, description: str) -> Iterable[Any]:
        return steps

    return SimpleNamespace(
        catalog=catalog,
        signals=signals,
        seed=seed,
        model="tiny",
        device="cpu",
        precision="fp32",
        step=lambda step, scalars: None,
        progress=progress,
    )
