"""Slow: does the user that R_φ has learnt answer as people in the log did?

R_φ is fitted on the train dialogues as in a run, seed by seed, and answers the recommendations of the test
dialogues as they were logged. Words of a reply, and how often users leave, ask, and sound pleased or
displeased (VADER), are set beside what they did. CRSBENCH_SEEDS says how many seeds (3).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_features.vader import compound
from crsbench_rewards.options import RewardOptions
from crsbench_rewards.reward import IufReward
from crsbench_signals.latent_class import LatentClass
from crsbench_synthetic.options import DatasetOptions
from scipy import stats

from crsbench.context import measure
from crsbench.plan import SIGNALS
from crsbench.types import State, Turn
from tests.bench.test_joint_training import context, steps

SEEDS = int(os.environ.get("CRSBENCH_SEEDS", "3"))
SOUNDS = 0.05  # VADER's own bound between neutral and not


def behaviour(replies: Sequence[Turn]) -> dict[str, float]:
    """What is compared; all but the first are shares of the replies."""
    tones = np.array([compound(reply.text) for reply in replies])
    return {
        "words": float(np.mean([len(reply.text.split()) for reply in replies])),
        "leaves": float(np.mean([reply.ends for reply in replies])),
        "asks": float(np.mean(["?" in reply.text for reply in replies])),
        "pleased": float(np.mean(tones >= SOUNDS)),
        "displeased": float(np.mean(tones <= -SOUNDS)),
    }


@pytest.mark.timeout(0)  # a fit a seed, a minute each on one thread
def test_the_learnt_user_answers_like_the_log(host: Any) -> None:
    corpus = host.find("dataset", "synthetic").make(DatasetOptions()).load("logged", Path("no"), 0)
    train = steps(corpus.train)
    test = [step for step in steps(corpus.test) if len(step.next_state.history) > len(step.state.history) + 1]
    offers = [host.find("signal", name) for name in SIGNALS]
    signals = [measure(o.make(o.options_model()()), train, corpus.catalog) for o in offers]
    labels = LatentClass().fit(signals).predict(signals)
    heard = [State(step.next_state.history[:-1]) for step in test]
    log = behaviour([step.next_state.history[-1] for step in test])
    found: list[dict[str, float]] = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = IufReward(RewardOptions()).fit(train, labels, context(corpus.catalog, signals, seed))
        found.append(behaviour(model.sample_reply(heard, np.random.default_rng(seed))))
    print(f"\n{len(test)} replies, {SEEDS} seeds: the log, the learnt user with a t-interval over seeds")
    for name, value in log.items():
        learnt = np.array([one[name] for one in found])
        half = stats.t.ppf(0.975, SEEDS - 1) * learnt.std(ddof=1) / np.sqrt(SEEDS) if SEEDS > 1 else np.nan
        print(f"{name:12} {value:.3f} {learnt.mean():.3f} ± {half:.3f}")
        assert abs(learnt.mean() - value) < max(0.25 * value, 0.03)
