"""The evidence head: what counting says of the items, weighed by a network that is trained alone, first.

Its features are strong and few; trained together with a language model it is tuned to what that model has
learnt by heart. So it is trained listwise by itself, on top of what trees make of them (rankers.py), on the
recommendations of train, out of fold (softmax cross-entropy over the whole catalogue: ListNet, Cao et al.,
ICML 2007, with one item at the top), and the language model then learns what to add to both. Its rate is its
own (`LEARNING_RATE`), also where SFT goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crsbench.protocols import Context
from crsbench_lm.evidence import Evidence, Recommended

BATCH = 32
EPOCHS = 8
STEPS = 900  # at most: some 15 seconds of one core
LEARNING_RATE = 5e-3
WEIGHT_DECAY = 0.05


class EvidenceHead(nn.Module):
    """What the F features of each candidate are worth: z(f) · w, and z(f) · (G h) as the conversation reads.

    A feature x ≥ 0 enters as ln(1 + x / scale), and as its share of the largest one among the candidates.
    `scale` [F] is the mean of its positive values where other dialogues recommend (evidence.py).
    """

    scale: Tensor

    def __init__(self, width: int, scale: Tensor, hidden: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * len(scale), hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU()
        )
        self.worth = nn.Linear(hidden, 1)
        self.reading = nn.Linear(width, hidden, bias=False)
        self.register_buffer("scale", scale)
        nn.init.zeros_(self.reading.weight)

    def counted(self) -> list[nn.Parameter]:
        """The parameters of z and w: what is trained alone."""
        return [*self.layers.parameters(), *self.worth.parameters()]

    def read(self, features: Tensor) -> Tensor:
        """z: [..., C, F] → [..., C, hidden]."""
        x = features.float()
        share = x / x.amax(dim=-2, keepdim=True).clamp(min=1e-6)
        return self.layers(torch.cat([torch.log1p(x / self.scale), share], dim=-1))

    def forward(self, at: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """at [B, T, d], features [B, T, C, F] → z · w and z · (G h), each [B, T, C]."""
        z = self.read(features)
        return self.worth(z)[..., 0], torch.einsum("btch,bth->btc", z, self.reading(at).to(z.dtype))


@dataclass(frozen=True, slots=True)
class _Rows:
    """N recommendations: their evidence, and the share of the label that each candidate has, [N, C]."""

    evidence: Sequence[Evidence]
    labels: NDArray[np.float32]
    others: int  # items of the catalogue that are no candidates, with logit 0
    ranked: float  # the weight of what rankers make of it, which the head adds to

    @classmethod
    def of(cls, made: Sequence[Recommended], items: int, ranked: float) -> _Rows | None:
        if not made:
            return None
        evidence = [one.evidence for one in made]
        hits = [np.isin(one.evidence.items, one.targets) / len(one.targets) for one in made]
        others = items - len(evidence[0].items)
        return cls(evidence, np.stack(hits).astype(np.float32), others, ranked)

    def losses(self, head: EvidenceHead, chosen: NDArray[np.int64]) -> Tensor:
        """Cross-entropy of each chosen row, in nats; a target that is no candidate has logit 0."""
        device = head.scale.device
        features = torch.from_numpy(np.stack([self.evidence[i].features for i in chosen])).to(device)
        ranked = torch.from_numpy(np.stack([self.evidence[i].ranked for i in chosen])).to(device)
        logits = head.worth(head.read(features))[..., 0] + self.ranked * ranked
        total = logits.logsumexp(1)
        if self.others:
            total = torch.logaddexp(total, total.new_tensor(math.log(self.others)))
        return total - (logits * torch.from_numpy(self.labels[chosen]).to(device)).sum(1)


def train_head(
    head: EvidenceHead,
    train: Sequence[Recommended],
    valid: Sequence[Recommended],
    items: int,
    ranked: float,
    ctx: Context,
) -> None:
    """Train z and w in place; the epoch with the lowest loss on the valid rows is kept."""
    rows, held_out = (_Rows.of(made, items, ranked) for made in (train, valid))
    if rows is None:
        return
    rng = np.random.default_rng(ctx.seed)
    number = len(rows.evidence)
    steps = min(STEPS, EPOCHS * math.ceil(number / BATCH))
    weights = [p for p in head.counted() if p.ndim > 1]
    biases = [p for p in head.counted() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": biases, "weight_decay": 0.0}]
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps + 1, pct_start=0.05
    )

    def batches() -> Iterator[NDArray[np.int64]]:
        while True:
            order = rng.permutation(number)
            yield from (order[start : start + BATCH] for start in range(0, number, BATCH))

    best, kept = math.inf, None
    every = min(steps, math.ceil(number / BATCH))
    for step, chosen in zip(ctx.progress(range(1, steps + 1), steps, "evidence"), batches(), strict=False):
        loss = rows.losses(head, chosen).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(head.counted(), 1.0)
        optimizer.step()
        schedule.step()
        if held_out is not None and (step % every == 0 or step == steps):
            nats = _mean_loss(head, held_out)
            ctx.step(step, {"head/item_loss": float(loss.detach()), "head/valid_item_loss": nats})
            if nats < best:
                best, kept = nats, {name: value.clone() for name, value in head.state_dict().items()}
    if kept is not None:
        head.load_state_dict(kept)
    optimizer.zero_grad(set_to_none=True)


@torch.no_grad()
def _mean_loss(head: EvidenceHead, rows: _Rows) -> float:
    parts = np.array_split(np.arange(len(rows.evidence)), math.ceil(len(rows.evidence) / 64))
    return float(torch.cat([rows.losses(head, part) for part in parts]).mean())
