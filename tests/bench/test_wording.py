"""Slow: where does coherence go when PPO has tuned a policy: with the items, or with the words?

The SFT start and the tuned policy of a run each choose an item for the rows that `coherence` reads, and each
says words for either's choice, and for the logged one. Printed: coherence of all pairs, and of its change the
part of the items, with the words of either, and the part of the words, of the items of either. `coherence`
reads no titles: an item changes it by the words that are said of it alone. The likeliest words of a policy
are few, and may be others when it has hardly changed: so the change is also printed where items and words are
drawn, the mean of `DRAWS`. Needs the extra [encoder]. Of which run: tuned.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_metrics.coherence_learnt import Coherence, first
from numpy.typing import NDArray

from crsbench.intervals import bootstrap
from crsbench.types import Row, State
from tests.bench.tuned import tuned_run

NAMES = ("sft", "ppo")
DRAWS = 3


@pytest.mark.timeout(0)  # a run, unless it is there
def test_items_and_words(host: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run = tuned_run(host, request, tmp_path, "synthetic/logged")
    policies, corpus = dict(zip(NAMES, (run.sft, run.ppo), strict=True)), run.corpus
    metric = Coherence()
    rows: list[Row] = first([row for row in corpus.test.rows if row.targets], metric.options.rows)
    states, groups = [row.state for row in rows], [row.dialogue for row in rows]
    choices = {name: [a.items[0] for a in p.act(states, "turn", k=1)] for name, p in policies.items()}
    choices["log"] = [row.targets[0] for row in rows]
    head, untitled = metric.head(corpus)
    histories = [untitled.turns(state.history) for state in states]
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    print(f"\n{run.name}, {len(rows)} test rows")
    for who, items in choices.items():
        named = np.mean([item in state.mentioned() for item, state in zip(items, states, strict=True)])
        for by, policy in policies.items():
            texts = [untitled(text) for text in said(policy, states, items, len(corpus.catalog))]
            found[who, by] = np.array(head.probability(histories, texts), float)
            print(f"items of {who} ({named:.0%} named before), words of {by}: {found[who, by].mean():.3f}")
    for one in NAMES:
        for what, change in (
            (f"items, in the words of {one}", found["ppo", one] - found["sft", one]),
            (f"words, of the items of {one}", found[one, "ppo"] - found[one, "sft"]),
        ):
            d = bootstrap(change.tolist(), groups)
            print(f"{what}: {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]")
    drawn: dict[str, NDArray[np.float64]] = {}
    for name, policy in policies.items():
        texts = [
            untitled(action.text or "")
            for n in range(DRAWS)
            for action in policy.act(states, "turn", k=1, rng=np.random.default_rng(n))
        ]
        probabilities = np.array(head.probability(histories * DRAWS, texts), float)
        drawn[name] = probabilities.reshape(DRAWS, -1).mean(0)
        print(f"items and words drawn by {name}: {drawn[name].mean():.3f}")
    d = bootstrap((drawn["ppo"] - drawn["sft"]).tolist(), groups)
    print(f"drawn: {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]")
    assert found["sft", "sft"].mean() > 0.2
    # what one changes of the other is small: the two effects can be told apart
    crossed = found["ppo", "ppo"] - found["ppo", "sft"] - found["sft", "ppo"] + found["sft", "sft"]
    assert abs(crossed.mean()) < 0.05


def said(policy: LanguageModelPolicy, states: Sequence[State], items: Sequence[int], n: int) -> list[str]:
    """What the policy says when it recommends items[s] in states[s]."""
    mask = np.zeros((len(states), n), bool)
    mask[np.arange(len(states)), items] = True
    return [action.text or "" for action in policy.act(states, "turn", k=1, mask=mask)]
