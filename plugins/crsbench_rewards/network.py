"""The network of R_φ: one trunk, an item part, a text part, a head for each signal, the user's next words.

For a state s_t and a system turn a_t that recommends item i with some words

    logit(s_t, a_t) = [ h_t · e_i + b_i + Σ_m α_tm · link(m, i) ]  +  v · h_close
                        item part, read at the recommendation position     text part, after the turn's words

                + Σ_w u_w / √n                over the n word pieces w of the turn, its end included

with the mentions m of the *user* alone: a plain head on the end-of-turn state finds nothing, because what
matters is how the item fits what the user has said. The last term is a linear bag of words: a trunk of a few
passes has learnt too little of wording to tell "have you seen it?" from "you will love it" by h_close.
Nothing here reads past the end of the system turn.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from crsbench_lm.batch import Batch
from crsbench_lm.codec import USER, DialogueCodec, Encoded
from crsbench_lm.model import GroundedLM, take
from numpy.typing import NDArray
from torch import Tensor, nn


class RewardNetwork(nn.Module):
    """`core` carries the trunk, the item embeddings and the gates; `signals` are K heads."""

    def __init__(self, core: GroundedLM, signals: int) -> None:
        super().__init__()
        self.core = core
        width = core.free.embedding_dim
        self.text = nn.Linear(width, 1)
        self.words = nn.Embedding(core.words, 1)
        self.signals = nn.Linear(width + 1, signals)
        # Calibration on held-out labels: p = sigmoid(scale · logit + shift).
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)
        self.shift = nn.Parameter(torch.zeros(()), requires_grad=False)
        nn.init.zeros_(self.text.weight)
        nn.init.zeros_(self.words.weight)

    def items(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Item part [B, T, I] of every item of the catalogue."""
        users = batch.visible & (batch.mention_role == USER)[:, None, :]
        return self.core.item_logits(hidden, dataclasses.replace(batch, visible=users))

    def item(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Item part [B, T] of the items that were recommended."""
        return self.items(hidden, batch).gather(2, batch.shown.clamp(min=0)[..., None])[..., 0]

    def turns(self, hidden: Tensor, batch: Batch, closes: Tensor) -> tuple[Tensor, Tensor]:
        """(logit [B, T], signals [B, T, K]) of the turns that were taken; closes [B, T] is where they end."""
        logit = self.with_words(self.item(hidden, batch), hidden, batch, closes)
        return logit, self.signals(torch.cat([take(hidden, closes), logit[..., None]], dim=-1))

    def with_words(self, item: Tensor, hidden: Tensor, batch: Batch, closes: Tensor) -> Tensor:
        """Logit [B, T] of turns whose item part is `item` [B, T]."""
        return item + self.text(take(hidden, closes))[..., 0] + self.wording(batch, closes)

    def wording(self, batch: Batch, closes: Tensor) -> Tensor:
        """Σ_w u_w / √n [B, T] of the word pieces between each recommendation position and closes [B, T]."""
        is_word = batch.ids < self.core.words
        each = self.words(batch.ids * is_word) * is_word[..., None]
        # Running sums, so that every turn of a row is a difference of two of them.
        sums = torch.cat([each, is_word[..., None].to(each)], dim=-1).cumsum(dim=1)
        weights, number = (take(sums, closes) - take(sums, batch.rec)).unbind(dim=-1)
        return weights / number.clamp(min=1).sqrt()

    def probability(self, logit: Tensor) -> Tensor:
        """Calibrated probability of satisfaction."""
        return torch.sigmoid(self.scale * logit + self.shift)


def turn_closes(rows: list[Encoded], codec: DialogueCodec, shape: torch.Size) -> NDArray[np.int64]:
    """Where the turn of each recommendation position ends: int64 [B, T]."""
    closes = np.zeros(tuple(shape), np.int64)
    for b, row in enumerate(rows):
        ends = np.flatnonzero((row.ids == codec.eot) | (row.ids == codec.end))
        if len(ends):
            after = np.searchsorted(ends, row.rec).clip(max=len(ends) - 1)
            closes[b, : len(row.rec)] = ends[after]
    return closes
