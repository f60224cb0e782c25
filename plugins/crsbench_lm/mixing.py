"""How much of each part of the item logits is worth having: weights fitted on held-out positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp
from torch import Tensor

from crsbench_lm.batch import Batch
from crsbench_lm.codec import Encoded
from crsbench_lm.evidence import Recommended

MOST = 1 << 23  # scores per part that are kept, about: 32 MiB
TIE = 1e-3  # nats
SHARES = (1.0, 0.75, 0.5, 0.25)  # that may be kept of what is added to trees: rewards are to tune it later
LEAST = 0.1  # before `share`: a part that weighs nothing here could not be tuned by rewards later


def thinned(rows: Sequence[Encoded], items: int) -> Sequence[Encoded]:
    """Evenly drawn from the rows, as many as are held at once; in a small catalogue all."""
    positions = sum(bool(targets) for row in rows for targets in row.targets)
    return rows[:: max(1, math.ceil(positions * items / MOST))]


def fit_weight(made: Sequence[Recommended], items: int) -> float:
    """The weight of what rankers make of the evidence, alone, with the lowest cross-entropy on these."""
    held_out = HeldOut()
    for one in made:
        part = np.zeros((1, 1, items), np.float32)
        part[0, 0, one.evidence.items] = one.evidence.ranked
        held_out.parts.append(part)
        held_out.targets.append(one.targets)
    mix, _ = held_out.fit(torch.ones(1))
    return float(mix[0])


@dataclass(slots=True)
class HeldOut:
    """The P parts of the logits at N held-out positions, in batches [P, n, I], and the targets of each."""

    parts: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]])
    targets: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])

    def add(self, parts: list[Tensor], batch: Batch) -> None:
        """parts P × [B, T, I] at the labelled positions of a batch."""
        at = [(b, t) for b, row in enumerate(batch.targets) for t, items in enumerate(row) if items]
        if at:
            b, t = map(list, zip(*at, strict=True))
            self.parts.append(torch.stack([part[b, t].float() for part in parts]).cpu().numpy())
            self.targets += [batch.targets[row][position] for row, position in at]

    def balance(self) -> tuple[float, float]:
        """Of the parts (logits, what trees say, 1 where an item was named): the share of what the logits add
        to the trees that is worth keeping, and with it the offset of what was named, in nats (`offset`).

        Worth it by the mean of 1 / log₂(1 + rank) of the targets, 0 beyond rank 50, with each share's own
        offset. The mix is fitted for likelihood, and what is likelier need not be in a better order.
        """
        if not self.targets:
            return 1.0, 0.0
        logits, ranked, named = np.concatenate(self.parts, axis=1)
        row = np.repeat(np.arange(len(self.targets)), [len(items) for items in self.targets])
        item = np.concatenate([np.array(items) for items in self.targets])

        def balanced(share: float) -> tuple[float, float, float]:
            """NDCG, the share, and its offset."""
            scores = ranked + share * (logits - ranked)
            added = offset(scores, ranked, named)
            scores += np.float32(added) * named
            ahead = (scores[row] > scores[row, item][:, None]).sum(axis=1)
            return float(np.where(ahead < 50, 1 / np.log2(2 + ahead), 0).mean()), share, added

        _, share, added = max(map(balanced, SHARES), key=lambda found: found[0])
        return share, added

    def fit(self, mix: Tensor) -> tuple[Tensor, float]:
        """The first P weights of `mix`, ≥ `LEAST`, with the lowest mean cross-entropy, and that in nats.

        The loss is convex in them. A part that weighs 0 in `mix` is left out.
        """
        if not self.targets:
            return mix, 0.0
        parts = np.concatenate(self.parts, axis=1)
        row = np.repeat(np.arange(len(self.targets)), [len(items) for items in self.targets])
        item = np.concatenate([np.array(items) for items in self.targets])
        share = np.repeat([1 / len(items) for items in self.targets], [len(items) for items in self.targets])
        wanted = (parts[:, row, item] * share).sum(axis=1) / len(self.targets)

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            logits = np.tensordot(weights.astype(np.float32), parts, 1)
            total = np.asarray(logsumexp(logits, axis=1, keepdims=True))
            mean = np.exp(logits - total)
            gradient = np.array([(mean * part).sum() for part in parts]) / len(mean) - wanted
            return float(total.mean() - weights @ wanted), gradient.astype(np.float64)

        start = mix[: len(parts)].double().cpu().numpy()
        bounds = [(LEAST, None) if weight else (0.0, 0.0) for weight in start]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30})
        fitted = mix.clone()
        fitted[: len(parts)] = torch.from_numpy(found.x)
        return fitted, float(found.fun)


def offset(logits: NDArray[np.float32], ranked: NDArray[np.float32], named: NDArray[np.float32]) -> float:
    """Of logits, what trees say and 1 where an item was named, each [n, I]: what to add to the logits of what
    was named for the best of it to stand higher than by trees alone as often as it stands lower; 0 where
    nothing tells.

    Trees are trained for the order, the mix for likelihood, which lets new items go ahead more often.
    """
    ends: list[float] = []  # in each state: lower before the first, higher from the second on
    for by_logits, by_trees, told in zip(logits, ranked, named > 0, strict=True):
        if told.any() and not told.all():
            ahead = int((by_trees[~told] > by_trees[told].max()).sum())
            others = np.array([np.inf, *np.sort(by_logits[~told])[::-1], -np.inf]) - by_logits[told].max()
            ends += [float(others[ahead + 1]), float(others[ahead])]
    if not ends:
        return 0.0
    low, high = np.sort(ends)[len(ends) // 2 - 1 : len(ends) // 2 + 1]
    if np.isinf(high):  # by trees it is always first: just past the last that is ahead of it
        high = low + 2 * TIE
    elif np.isinf(low):
        low = high - 2 * TIE
    return float(low + high) / 2
