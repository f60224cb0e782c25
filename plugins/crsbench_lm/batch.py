"""Encoded dialogues side by side as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crsbench_lm.codec import DialogueCodec, Encoded

MAX_AGE = 7  # a mention's age in turns, older ones share the last value


@dataclass(frozen=True, slots=True)
class Batch:
    """B dialogues padded to L tokens, T recommendation positions and M mentions.

    ids, say, role [B, L]; rec, shown [B, T] with rec_ok; nodes, at, closes, mention_role, relation [B, M];
    age, visible [B, T, M]: the mention stands before the recommendation position; links [B, M, I].
    candidates [B, T, C], evidence float16 [B, T, C, F] and ranked [B, T, C]: what counting says for them, and
    what rankers make of it (C = 0: nothing).
    `targets[b][t]` are the labelled items. `present` [B, L] marks tokens that are not padding.
    """

    ids: Tensor
    present: Tensor
    say: Tensor
    role: Tensor
    rec: Tensor
    rec_ok: Tensor
    shown: Tensor
    nodes: Tensor
    at: Tensor
    closes: Tensor
    mention_role: Tensor
    relation: Tensor
    age: Tensor
    visible: Tensor
    links: Tensor
    candidates: Tensor
    evidence: Tensor
    ranked: Tensor
    targets: tuple[tuple[tuple[int, ...], ...], ...]


def collate(rows: Sequence[Encoded], codec: DialogueCodec, device: str = "cpu", left: bool = False) -> Batch:
    """Pad on the right, or on the `left` where tokens are to be appended."""
    rows, links, pad = codec.evident(rows), codec.links, codec.pad
    B = len(rows)
    L = max(len(row.ids) for row in rows)
    T = max(1, max(len(row.rec) for row in rows))
    M = max(1, max(len(row.nodes) for row in rows))
    shift = np.array([L - len(row.ids) if left else 0 for row in rows])
    ids = np.full((B, L), pad, np.int64)
    present = np.zeros((B, L), bool)
    say = np.zeros((B, L), bool)
    role = np.zeros((B, L), np.int64)
    rec, shown, turns = (np.full((B, T), fill, np.int64) for fill in (0, -1, 0))
    rec_ok = np.zeros((B, T), bool)
    nodes, at, closes, mention_role, mention_turn = (np.zeros((B, M), np.int64) for _ in range(5))
    mention_ok = np.zeros((B, M), bool)
    candidates, evidence, ranked = _evidence(rows, T)
    for b, row in enumerate(rows):
        s, n, t, m = shift[b], len(row.ids), len(row.rec), len(row.nodes)
        ids[b, s : s + n], say[b, s : s + n], role[b, s : s + n] = row.ids, row.say, row.role
        present[b, s : s + n] = True
        rec[b, :t], shown[b, :t], turns[b, :t] = row.rec + s, row.shown, row.turns
        rec_ok[b, :t] = True
        nodes[b, :m], at[b, :m], closes[b, :m] = row.nodes, row.at + s, row.closes + s
        mention_role[b, :m], mention_turn[b, :m] = row.mention_roles, row.mention_turns
        mention_ok[b, :m] = True
    # A mention counts from the end of its turn on: what is said of it often follows it.
    visible = rec_ok[:, :, None] & mention_ok[:, None, :] & (closes[:, None, :] < rec[:, :, None])
    age = np.clip(turns[:, :, None] - mention_turn[:, None, :], 0, MAX_AGE)

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(device)

    distinct, back = np.unique(nodes, return_inverse=True)
    return Batch(
        ids=tensor(ids),
        present=tensor(present),
        say=tensor(say),
        role=tensor(role),
        rec=tensor(rec),
        rec_ok=tensor(rec_ok),
        shown=tensor(shown),
        nodes=tensor(nodes),
        at=tensor(at),
        closes=tensor(closes),
        mention_role=tensor(mention_role),
        relation=tensor(links.relation_of[nodes]),
        age=tensor(age),
        visible=tensor(visible),
        links=tensor(links.rows(distinct))[tensor(back.reshape(B, M))],
        candidates=tensor(candidates),
        evidence=tensor(evidence),
        ranked=tensor(ranked),
        targets=tuple(row.targets for row in rows),
    )


def _evidence(
    rows: Sequence[Encoded], T: int
) -> tuple[NDArray[np.int64], NDArray[np.float16], NDArray[np.float32]]:
    """candidates [B, T, C], their features [B, T, C, F] and how they are ranked; all have as many."""
    found = [(b, t, one) for b, row in enumerate(rows) for t, one in enumerate(row.evidence or ())]
    C, F = found[0][2].features.shape if found else (0, 0)
    candidates = np.zeros((len(rows), T, C), np.int64)
    features = np.zeros((len(rows), T, C, F), np.float16)
    ranked = np.zeros((len(rows), T, C), np.float32)
    for b, t, one in found:
        candidates[b, t], features[b, t], ranked[b, t] = one.items, one.features, one.ranked
    return candidates, features, ranked


def token_batches(
    lengths: Sequence[int], tokens: int, rng: np.random.Generator | None = None
) -> list[NDArray[np.int64]]:
    """Indices in batches of similar length, at most `tokens` each with padding; shuffled with `rng`."""
    noise = rng.random(len(lengths)) if rng is not None else np.zeros(len(lengths))
    order = np.argsort(np.asarray(lengths) + 8 * noise, kind="stable")
    batches: list[list[int]] = []
    current: list[int] = []
    for i in order:
        longest = max(lengths[i], lengths[current[-1]]) if current else lengths[i]
        if current and longest * (len(current) + 1) > tokens:
            batches.append(current)
            current = []
        current.append(int(i))
    if current:
        batches.append(current)
    if rng is not None:
        rng.shuffle(batches)
    return [np.array(batch) for batch in batches]
