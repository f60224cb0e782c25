"""Slow: how much of what R_φ says of items is bait?

With dwell as the only signal of `synthetic-clickbait` R_φ is split into what it says of an item in every
conversation alike, and the rest, and either is compared with the true utilities on test rows. Then the policy
π* ∝ π_SFT exp(r/β) which every optimiser under a KL penalty goes to is asked, β by β, for its true utility:
with r = R_φ, and with what `item_spread` leaves of it. Of which run: tuned.py, without CRSBENCH_ON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.decode import rank
from crsbench_lm.masks import unseen
from crsbench_ppo.objective import by_item, context_spread, exact_kl, shrinkage
from numpy.typing import NDArray
from scipy.special import log_softmax

from tests.bench.tuned import tuned_run

BETAS = (np.inf, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02)
ROWS = 800


@pytest.mark.timeout(0)  # a run, unless it is there
def test_what_is_bait_and_what_is_not(host: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run = tuned_run(host, request, tmp_path, "synthetic-clickbait/logged", signals=["dwell"])
    truth = run.corpus.sealed.truth
    rows = [row for row in run.corpus.test.rows if row.id in truth][:ROWS]
    utilities = np.stack([truth[row.id].utilities for row in rows]).astype(float)
    states = [row.state for row in rows]
    free = unseen(states, len(run.corpus.catalog))
    start = log_softmax(
        np.where(free, rank(run.sft.model, run.sft.codec, states).astype(float), -np.inf), axis=1
    )
    reward = run.reward.score_items(states).astype(float)
    alike, true_alike = (by_item(torch.from_numpy(x)).numpy() for x in (reward, utilities))
    rest, true_rest = (centred(x) for x in (reward, utilities))
    believed = shrinkage(context_spread(torch.from_numpy(reward)), alike.std())
    of_items, of_rest = correlation(alike, true_alike), correlation(rest, true_rest)
    print(f"\n{run.name}, dwell alone, {len(rows)} test rows; of what is alike {believed:.1%} is believed")
    print(f"correlation with the truth: alike {of_items:+.3f}, the rest {of_rest:+.3f}")
    gained: dict[tuple[str, float], float] = {}
    for name, r in (("R_phi", reward), ("guarded", reward - (1 - believed) * alike)):
        for beta in BETAS:
            log_q = log_softmax(np.where(free, start + r / beta, -np.inf), axis=1)
            q = np.exp(log_q)
            kl = float(exact_kl(torch.from_numpy(log_q), torch.from_numpy(start)).mean())
            of_r, true = ((q * x).sum(1).mean() for x in (reward, utilities))
            print(f"{name:<8} beta {beta:<5g} KL {kl:5.2f}  R_phi {of_r:.3f}  truth {true:.3f}")
            gained[name, beta] = float(true)
    assert of_items < 0 < of_rest
    assert gained["R_phi", 0.1] < gained["R_phi", np.inf] < gained["guarded", 0.1]


def centred(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What depends on the conversation: [S, I] without the means of states and of items."""
    return scores - scores.mean(1, keepdims=True) - by_item(torch.from_numpy(scores)).numpy()


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
