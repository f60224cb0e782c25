"""Fit R_φ: weak labels, signals and the user's next words in one loss; early stopping; calibration."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from crsbench_lm.batch import Batch, collate, token_batches
from crsbench_lm.codec import USER, DialogueCodec, Encoded
from crsbench_lm.sft import cosine_schedule, word_loss, word_positions
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional as F

from crsbench.protocols import Context
from crsbench.types import Transition, WeakLabel
from crsbench_rewards.network import RewardNetwork, turn_closes
from crsbench_rewards.options import RewardOptions


@dataclass(frozen=True, slots=True)
class Example:
    """A dialogue with what its behaviour says of each recommendation position (nan: nothing)."""

    row: Encoded
    label: NDArray[np.float32]  # [T]
    confidence: NDArray[np.float32]  # [T]
    signals: NDArray[np.float32]  # [T, K], standardised
    held_out: bool


def examples(
    transitions: Sequence[Transition],
    labels: WeakLabel,
    signals: NDArray[np.float64],
    codec: DialogueCodec,
) -> list[Example]:
    """Transitions of one dialogue packed into one row. signals: float64 [N, K]."""
    spread = np.nanstd(signals, axis=0, keepdims=True) if len(signals) else np.ones((1, signals.shape[1]))
    standard = (signals - np.nanmean(signals, axis=0, keepdims=True)) / np.maximum(spread, 1e-9)
    by_dialogue: dict[str, list[int]] = {}
    for n, transition in enumerate(transitions):
        by_dialogue.setdefault(transition.dialogue, []).append(n)
    found: list[Example] = []
    for dialogue, members in by_dialogue.items():
        row = codec.encode(max((transitions[n].next_state.history for n in members), key=len))
        label = np.full(len(row.rec), np.nan, np.float32)
        confidence = np.zeros(len(row.rec), np.float32)
        values = np.full((len(row.rec), signals.shape[1]), np.nan, np.float32)
        position = {int(turn): t for t, turn in enumerate(row.turns)}
        for n in members:
            t = position.get(len(transitions[n].state.history))
            if t is not None:
                label[t], confidence[t] = labels.probability[n], labels.confidence[n]
                values[t] = standard[n]
        held_out = int(hashlib.sha256(f"held-out {dialogue}".encode()).hexdigest()[:8], 16) % 10 == 0
        found.append(Example(row, label, confidence, values, held_out))
    return found


@dataclass(frozen=True, slots=True)
class Losses:
    """Sums over a batch, with their counts."""

    label: Tensor
    labels: float
    pair: Tensor
    pairs: float
    signal: Tensor
    signals: int
    transition: Tensor
    words: int
    logit: Tensor


def losses(network: RewardNetwork, codec: DialogueCodec, chosen: Sequence[Example], device: str) -> Losses:
    batch = collate([e.row for e in chosen], codec, device)
    hidden = network.core.hidden(batch)
    closes = torch.from_numpy(turn_closes([e.row for e in chosen], codec, batch.rec.shape)).to(device)
    logit, predicted = network.turns(hidden, batch, closes)
    label, confidence, signals = _targets(chosen, batch, predicted.shape[-1], device)
    known = ~label.isnan()
    weight = torch.where(known, confidence, 0.0)
    bce = F.binary_cross_entropy_with_logits(logit, label.nan_to_num(0.5), weight, reduction="sum")
    seen = ~signals.isnan()
    squared = (predicted - signals.nan_to_num(0.0)).square() * seen
    transition, words = word_loss(network.core, hidden, batch, word_positions(batch, USER))
    pair, pairs = pair_loss(logit, label, weight)
    return Losses(
        bce, float(weight.sum()), pair, pairs, squared.sum(), int(seen.sum()), transition, words, logit
    )


def pair_loss(logit: Tensor, label: Tensor, weight: Tensor) -> tuple[Tensor, float]:
    """Bradley–Terry over the pairs a, b of turns of one dialogue with label_a > label_b:

    Σ w_ab · −ln σ(logit_a − logit_b) and Σ w_ab, with w_ab = (label_a − label_b) · weight_a · weight_b.

    All arguments [B, T], label nan where unknown. What a user brings to all turns of a dialogue cancels.
    """
    better = (label[:, :, None] - label[:, None, :]).nan_to_num(0.0).clamp(min=0.0)
    weights = better * weight[:, :, None] * weight[:, None, :]
    losses = F.softplus(logit[:, None, :] - logit[:, :, None])
    return (weights * losses).sum(), float(weights.sum())


def _targets(
    chosen: Sequence[Example], batch: Batch, signals: int, device: str
) -> tuple[Tensor, Tensor, Tensor]:
    shape = tuple(batch.rec.shape)
    label = np.full(shape, np.nan, np.float32)
    confidence = np.zeros(shape, np.float32)
    values = np.full((*shape, signals), np.nan, np.float32)
    for b, example in enumerate(chosen):
        t = len(example.label)
        label[b, :t], confidence[b, :t], values[b, :t] = example.label, example.confidence, example.signals
    found = [torch.from_numpy(array).to(device) for array in (label, confidence, values)]
    return found[0], found[1], found[2]


def parameter_groups(network: RewardNetwork, options: RewardOptions) -> list[dict[str, object]]:
    """Trunk, heads, and the embeddings of items and entities, which would be learnt by heart."""
    tables = [network.core.free.weight, network.core.entity.weight]
    trained = [p for p in network.parameters() if p.requires_grad]
    body, known = {id(p) for p in network.core.lm.parameters()}, {id(p) for p in tables}
    rate = options.head_learning_rate
    return [
        {"params": [p for p in trained if id(p) in body], "lr": options.learning_rate},
        {"params": [p for p in trained if id(p) not in body | known], "lr": rate},
        {"params": tables, "lr": rate, "weight_decay": options.item_decay},
    ]


def train_reward(
    network: RewardNetwork,
    codec: DialogueCodec,
    data: Sequence[Example],
    options: RewardOptions,
    ctx: Context,
) -> dict[str, float]:
    """Train in place and calibrate; returns what was measured on the held-out dialogues."""
    train = [e for e in data if not e.held_out]
    held_out = [e for e in data if e.held_out]
    rng = np.random.default_rng(ctx.seed)
    lengths = [len(e.row.ids) for e in train]
    epochs = [token_batches(lengths, options.batch_tokens, rng) for _ in range(options.epochs)]
    steps = sum(len(epoch) for epoch in epochs)
    optimizer = torch.optim.AdamW(
        parameter_groups(network, options), betas=(0.9, 0.98), weight_decay=options.weight_decay
    )
    schedule = cosine_schedule(optimizer, steps)
    best, kept = math.inf, None

    def batches() -> Iterator[tuple[bool, list[Example]]]:
        for epoch in epochs:
            for i, chosen in enumerate(epoch):
                yield i == len(epoch) - 1, [train[j] for j in chosen]

    network.to(ctx.device).train()
    for step, (last_of_epoch, chosen) in enumerate(ctx.progress(batches(), steps, "R_φ"), 1):
        with torch.autocast(ctx.device, torch.bfloat16, enabled=ctx.precision == "bf16"):
            part = losses(network, codec, chosen, ctx.device)
        loss = (
            part.label / max(1.0, part.labels)
            + options.pairs * part.pair / max(1e-6, part.pairs)
            + options.signals * part.signal / max(1, part.signals)
            + options.transition * part.transition / max(1, part.words)
        )
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if last_of_epoch:
            scalars = {"reward/label_loss": float(part.label.detach()) / max(1.0, part.labels)}
            if held_out:
                measured = held_out_losses(network, codec, held_out, ctx.device)
                scalars |= {f"reward/held_out_{name}": value for name, value in measured.items()}
                judged_by = measured["label_loss" if measured["labels"] else "reply_nll"]
                if judged_by < best:
                    best = judged_by
                    kept = {name: value.clone() for name, value in network.state_dict().items()}
            ctx.step(step, scalars)
    if kept is not None:
        network.load_state_dict(kept)
    network.eval()
    if not held_out:
        return {}
    calibrate(network, codec, held_out, ctx.device)
    return held_out_losses(network, codec, held_out, ctx.device)


@torch.no_grad()
def _held_out(
    network: RewardNetwork, codec: DialogueCodec, data: Sequence[Example], device: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """(logit, label, confidence) of the labelled positions and the words' mean cross-entropy in nats."""
    network.eval()
    found: list[tuple[NDArray[np.float64], ...]] = []
    nll, words = 0.0, 0
    for chosen in token_batches([len(e.row.ids) for e in data], 8000):
        part = losses(network, codec, [data[j] for j in chosen], device)
        nll, words = nll + float(part.transition), words + part.words
        logit = part.logit.double().cpu().numpy()
        for b, j in enumerate(chosen):
            t = len(data[j].label)
            found.append((logit[b, :t], data[j].label.astype(float), data[j].confidence.astype(float)))
    network.train()
    logit, label, confidence = (np.concatenate([f[i] for f in found]) for i in range(3))
    known = ~np.isnan(label)
    return logit[known], label[known], confidence[known], nll / max(1, words)


def held_out_losses(
    network: RewardNetwork, codec: DialogueCodec, data: Sequence[Example], device: str
) -> dict[str, float]:
    """Cross-entropy of the calibrated probability against the weak labels, and of the user's words.

    `labels` is the sum of the confidences: where it is 0, nothing is known of the labels.
    """
    logit, label, confidence, words = _held_out(network, codec, data, device)
    p = expit(float(network.scale) * logit + float(network.shift)).clip(1e-6, 1 - 1e-6)
    bce = -(label * np.log(p) + (1 - label) * np.log(1 - p))
    total = float(confidence.sum())
    return {
        "label_loss": float((bce * confidence).sum()) / max(total, 1e-9),
        "labels": total,
        "reply_nll": words,
    }


def calibrate(network: RewardNetwork, codec: DialogueCodec, data: Sequence[Example], device: str) -> None:
    """Platt scaling on held-out weak labels: the scale and shift with the least cross-entropy."""
    logit, label, confidence, _ = _held_out(network, codec, data, device)
    if confidence.sum() == 0:
        return

    def objective(parameters: NDArray[np.float64]) -> float:
        p = expit(parameters[0] * logit + parameters[1]).clip(1e-9, 1 - 1e-9)
        return float(-(confidence * (label * np.log(p) + (1 - label) * np.log(1 - p))).sum())

    found = minimize(objective, np.array([1.0, 0.0]), method="Nelder-Mead")
    if found.x[0] > 0:  # a negative scale would turn the ranking round: then the labels carry nothing
        network.scale.data.fill_(float(found.x[0]))
        network.shift.data.fill_(float(found.x[1]))
    network.eval()
