"""Slow: how far could what R_φ says of items take logged recall, whoever optimises?

Under a KL penalty the best choice of an item for its own reward is known without training: π* ∝ π_SFT
exp(r/β), here among the items that the system has not recommended yet, the others keeping their probability,
as `ppo-iuf` holds them.
Recall of π* on the valid rows, β by β, says what R_φ knows of the logged targets that SFT does not; what PPO
reached and R_φ's own ranking stand below. Of which run: tuned.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_features.rankers import RANKERS, Rankers
from crsbench_features.remembered import Remembered
from crsbench_lm.batch import collate
from crsbench_lm.decode import chunks, last_of, opened
from crsbench_lm.masks import unseen
from crsbench_lm.policy import LanguageModelPolicy
from numpy.typing import NDArray
from scipy.special import log_softmax

from crsbench.intervals import bootstrap
from crsbench.types import Row, State
from tests.bench.tuned import tuned_run

COMPARED = ((10, False), (10, True), (1, False))  # (k, new targets alone)
BETAS = (np.inf, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
LINE = "{:<6}{:>7}{:>8}{:>11}  {:<24}{:<24}{}"


def tilted(
    log_p: NDArray[np.float64], worth: NDArray[np.float64], free: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """log π* [S, I] for r/β `worth`: the mass of the `free` items as a whole stays where it was."""
    before, after = (np.where(free, x, -np.inf) for x in (log_p, log_p + worth))
    mass = np.logaddexp.reduce(before, axis=1, keepdims=True)
    return np.where(free, log_softmax(after, axis=1) + mass, log_p)


def hits(
    scores: NDArray[np.float64], rows: Sequence[Row], k: int, new: bool
) -> tuple[NDArray[np.float64], list[str]]:
    """Whether each target, or each that nothing named before, is among the first k; and of which dialogue."""
    found: list[tuple[bool, str]] = []
    for line, row in zip(scores, rows, strict=True):
        first = set(np.argsort(-line, kind="stable")[:k].tolist())
        named = set(row.state.mentioned()) if new else set[int]()
        found += [(target in first, row.dialogue) for target in row.targets if target not in named]
    return np.array([hit for hit, _ in found], float), [dialogue for _, dialogue in found]


@torch.no_grad()
def logits(
    policy: LanguageModelPolicy, states: Sequence[State], folds: Sequence[int | None]
) -> NDArray[np.float64]:
    """[S, I] of rows of valid: read out of their fold, and judged by the trees that have not learnt from
    them."""
    codec = policy.codec
    rows = codec.evident(opened(codec, states, folds))
    if (evidences := codec.evidences) is not None:
        whole = evidences.rankers
        evidences.ask(Rankers(evidences.names, whole.boosters[:RANKERS], whole.offset))
        rows = [
            replace(row, fold=None, evidence=tuple(evidences.again(one, None) for one in row.evidence or ()))
            for row in rows
        ]
        evidences.ask(whole)
    out = np.empty((len(rows), policy.model.items))
    for part in chunks(rows):
        here = [rows[i] for i in part]
        batch = collate(here, codec, "cpu")
        out[part] = last_of(here, policy.model.item_logits(policy.model.hidden(batch), batch)).numpy()
    return out


@pytest.mark.timeout(0)  # a run, unless it is there
def test_what_the_reward_knows_of_the_log(host: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run = tuned_run(host, request, tmp_path, "opendialkg/ievalm-clean")
    rows = [row for row in run.corpus.valid.rows if row.targets]
    states = [row.state for row in rows]
    free = unseen(states, len(run.corpus.catalog))
    reward = run.reward.score_items(states).astype(float)
    known = Remembered(run.corpus.train, run.corpus.valid, len(run.corpus.catalog))
    folds = [known.fold(row.dialogue) for row in rows]
    log_p = log_softmax(logits(run.sft, states, folds), axis=1)
    policies = {f"{beta:g}": tilted(log_p, reward / beta, free) for beta in BETAS}
    assert np.allclose(policies["inf"], log_p)
    policies["ppo"] = log_softmax(logits(run.ppo, states, folds), axis=1)
    policies["R_phi"] = reward
    print(f"\n{run.name}, {len(rows)} valid rows; differences from SFT with 95% intervals")
    titles = ("recall@10", "- SFT", "new - SFT", "recall@1 - SFT")
    print(LINE.format("beta", "KL", "reward", *titles))
    of_start = {which: hits(log_p, rows, *which) for which in COMPARED}
    worth: list[float] = []
    for name, scores in policies.items():
        log_q = log_softmax(scores, axis=1)
        kl, mean = ((np.exp(log_q) * x).sum(1).mean() for x in (log_q - log_p, reward))
        worth.append(float(mean))
        cells: list[str] = []
        for which, (before, groups) in of_start.items():
            d = bootstrap((hits(scores, rows, *which)[0] - before).tolist(), groups)
            cells.append(f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]")
        reached = hits(scores, rows, 10, False)[0].mean()
        print(LINE.format(name, f"{kl:.3f}", f"{mean:.3f}", f"{reached:.3f}", *cells))
    assert np.all(np.diff(worth[: len(BETAS)]) > 0)  # the tilt is towards the reward
