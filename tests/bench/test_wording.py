"""Slow: where does coherence go when PPO has tuned a policy: with the items, or with the words?

The SFT start and the tuned policy of a default run each choose an item for the rows that `coherence` reads,
and each says words for either's choice, and for the logged one. Printed: coherence of all pairs. It reads no
titles, so an item changes it by the words that are said of it alone. Needs the extra [encoder]. CRSBENCH_RUNS
is where the run is, or goes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_metrics.coherence_learnt import Coherence, first
from crsbench_synthetic.options import DatasetOptions

import crsbench
from crsbench.types import State


@pytest.mark.timeout(0)  # a default run, unless it is there
def test_items_and_words(host: Any, tmp_path: Path) -> None:
    out = Path(os.environ.get("CRSBENCH_RUNS", tmp_path))
    run = crsbench.run("ppo-iuf", dataset="synthetic", out=out)
    (start,) = [stage["id"] for stage in run.record["stages"] if stage["name"] == "sft"]
    policies = {
        "sft": LanguageModelPolicy(40).load(out / "stages" / start / "files"),
        "ppo": LanguageModelPolicy(40).load(run.path / "policy"),
    }
    corpus = host.find("dataset", "synthetic").make(DatasetOptions()).load("logged", Path("no"), 0)
    metric = Coherence()
    rows = first(corpus.test.rows, metric.options.rows)
    states = [row.state for row in rows]
    choices = {name: [a.items[0] for a in p.act(states, "turn", k=1)] for name, p in policies.items()}
    choices["log"] = [row.targets[0] for row in rows]
    head, untitled = metric.head(corpus)
    histories = [untitled.turns(state.history) for state in states]
    found: dict[tuple[str, str], float] = {}
    for of, items in choices.items():
        for by, policy in policies.items():
            texts = [untitled(text) for text in said(policy, states, items, len(corpus.catalog))]
            found[of, by] = head.probability(histories, texts).mean()
            print(f"items of {of}, words of {by}: {found[of, by]:.3f}")
    assert found["sft", "sft"] > 0.25
    # what one changes of the other is small: the two effects can be told apart
    assert abs(found["ppo", "ppo"] - found["ppo", "sft"] - found["sft", "ppo"] + found["sft", "sft"]) < 0.05


def said(policy: LanguageModelPolicy, states: Sequence[State], items: Sequence[int], n: int) -> list[str]:
    """What the policy says when it recommends items[s] in states[s]."""
    mask = np.zeros((len(states), n), bool)
    mask[np.arange(len(states)), items] = True
    return [action.text or "" for action in policy.act(states, "turn", k=1, mask=mask)]
