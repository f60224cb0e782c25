"""Slow: where does coherence go when PPO has tuned a policy: with the items, or with the words?

The SFT start and the tuned policy of a run each choose an item for the rows that `coherence` reads, and each
says words for either's choice, and for the logged one. Printed: coherence of all pairs, and of its change the
part of the items, with the words of either, and the part of the words, of the items of either. `coherence`
reads no titles: an item changes it by the words that are said of it alone. Needs the extra [encoder].
CRSBENCH_ON is dataset/protocol, CRSBENCH_SEED the seed and CRSBENCH_RUNS where the run is, or goes.
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
from numpy.typing import NDArray

import crsbench
from crsbench.intervals import bootstrap
from crsbench.types import Row, State

NAMES = ("sft", "ppo")


@pytest.mark.timeout(0)  # a run, unless it is there
def test_items_and_words(host: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    dataset, _, protocol = os.environ.get("CRSBENCH_ON", "synthetic/logged").partition("/")
    out = Path(os.environ.get("CRSBENCH_RUNS", tmp_path))
    real = not dataset.startswith("synthetic")
    folder = request.getfixturevalue("data_dir") if real else Path("no")
    settings = {"simulator": "replay", "data_dir": folder} if real else {}
    seed = int(os.environ.get("CRSBENCH_SEED", "0"))
    run = crsbench.run("ppo-iuf", dataset=dataset, protocol=protocol, seed=seed, out=out, **settings)
    (start,) = [stage["id"] for stage in run.record["stages"] if stage["name"] == "sft"]
    folders = (out / "stages" / start / "files", run.path / "policy")
    policies = {name: LanguageModelPolicy(40).load(of) for name, of in zip(NAMES, folders, strict=True)}
    offer = host.find("dataset", dataset)
    corpus = offer.make(offer.options_model()()).load(protocol, folder, 0)
    metric = Coherence()
    rows: list[Row] = first([row for row in corpus.test.rows if row.targets], metric.options.rows)
    states, groups = [row.state for row in rows], [row.dialogue for row in rows]
    choices = {name: [a.items[0] for a in p.act(states, "turn", k=1)] for name, p in policies.items()}
    choices["log"] = [row.targets[0] for row in rows]
    head, untitled = metric.head(corpus)
    histories = [untitled.turns(state.history) for state in states]
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    print(f"\n{dataset}, {protocol}, {len(rows)} test rows, seed {seed}")
    for of, items in choices.items():
        named = np.mean([item in state.mentioned() for item, state in zip(items, states, strict=True)])
        for by, policy in policies.items():
            texts = [untitled(text) for text in said(policy, states, items, len(corpus.catalog))]
            found[of, by] = np.array(head.probability(histories, texts), float)
            print(f"items of {of} ({named:.0%} named before), words of {by}: {found[of, by].mean():.3f}")
    for one in NAMES:
        for what, change in (
            (f"items, in the words of {one}", found["ppo", one] - found["sft", one]),
            (f"words, of the items of {one}", found[one, "ppo"] - found[one, "sft"]),
        ):
            d = bootstrap(change.tolist(), groups)
            print(f"{what}: {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]")
    assert found["sft", "sft"].mean() > 0.2
    # what one changes of the other is small: the two effects can be told apart
    crossed = found["ppo", "ppo"] - found["ppo", "sft"] - found["sft", "ppo"] + found["sft", "sft"]
    assert abs(crossed.mean()) < 0.05


def said(policy: LanguageModelPolicy, states: Sequence[State], items: Sequence[int], n: int) -> list[str]:
    """What the policy says when it recommends items[s] in states[s]."""
    mask = np.zeros((len(states), n), bool)
    mask[np.arange(len(states)), items] = True
    return [action.text or "" for action in policy.act(states, "turn", k=1, mask=mask)]
