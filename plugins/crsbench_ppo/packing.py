"""Conversations of a rollout as packed rows of tensors, and what a model says of every decision in them.

A conversation is read once, whatever its number of turns. A decision at position l chooses the token at
l + 1: an item at a recommendation position, else a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from crsbench_lm.batch import Batch, collate
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.model import GroundedLM
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Conversation:
    """One packed conversation of L tokens with T recommendation positions.

    At position t: `items` the item chosen there (-1: nothing was), `rewards` the reward of that turn, and
    `of_items` how much of it is the item's whatever is said of it, which is paid when it is chosen: words
    have no part in it. `allowed` bool [T, I] the items that could be chosen. `said` bool [L]: the token is a
    word of a system turn, chosen by the policy where `words`, else logged. `ended`: nothing comes after;
    where it has not, the row closes with an open system turn whose value stands for the rest.
    """

    row: Encoded
    items: NDArray[np.int64]
    rewards: NDArray[np.float32]
    of_items: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    said: NDArray[np.bool_]
    words: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Decisions:
    """A minibatch of B conversations and where something was decided in it.

    items [B, T] chosen where `item_ok` [B, T] among `allowed` [B, T, I]; `item_at` bool [B, L]: the same
    positions in the rows; `word_at` [B, L]: the word at l + 1 counts. `decides` [B, L]: a token was chosen
    here, and `turn_ends`: as the last one of its turn; rewards [B, L]. bootstrap [B]: the position whose
    value stands for the rest, where not `ended` [B].
    """

    batch: Batch
    items: Tensor
    item_ok: Tensor
    allowed: Tensor
    item_at: Tensor
    word_at: Tensor
    decides: Tensor
    turn_ends: Tensor
    rewards: Tensor
    bootstrap: Tensor
    ended: Tensor


def decisions(chosen: Sequence[Conversation], codec: DialogueCodec, device: str) -> Decisions:
    batch = collate([c.row for c in chosen], codec, device)
    B, L = batch.ids.shape
    T = batch.rec.shape[1]
    items = np.full((B, T), -1, np.int64)
    allowed = np.ones((B, T, len(codec.catalog)), bool)
    item_at, word_at, decides, turn_ends = (np.zeros((B, L), bool) for _ in range(4))
    rewards = np.zeros((B, L), np.float32)
    for b, c in enumerate(chosen):
        n, length = len(c.row.rec), len(c.row.ids)
        items[b, :n], allowed[b, :n] = c.items, c.allowed
        word_at[b, : length - 1] = c.said[1:]
        closes = codec.turn_ends(c.row)
        for t in np.flatnonzero(c.items >= 0):
            start = end = c.row.rec[t]
            item_at[b, start] = True
            if c.words:
                end = closes[t] - 1
            decides[b, start : end + 1] = True
            turn_ends[b, end] = True
            rewards[b, start] = c.of_items[t]
            rewards[b, end] += c.rewards[t] - c.of_items[t]

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(device)

    return Decisions(
        batch=batch,
        items=tensor(items),
        item_ok=tensor(items >= 0),
        allowed=tensor(allowed),
        item_at=tensor(item_at),
        word_at=tensor(word_at),
        decides=tensor(decides),
        turn_ends=tensor(turn_ends),
        rewards=tensor(rewards),
        bootstrap=tensor(np.array([c.row.rec[-1] for c in chosen])),
        ended=tensor(np.array([c.ended for c in chosen])),
    )


class ValueHead(nn.Module):
    """V(s) on the trunk's hidden states; the last layer starts at zero."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        nn.init.zeros_(self.layers[2].weight)
        nn.init.zeros_(self.layers[2].bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., d] → [...]."""
        return self.layers(hidden)[..., 0]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of a minibatch's decisions, in the order of its rows.

    items: log-probabilities of the whole catalogue [n, I] at `item_ok`, given that one of the allowed items
    is chosen; again [n, I + 1]: those of the items that are not allowed, −inf for the others, and of any
    other than them; words: of the words [m] at `word_at`; values [B, L], zero without a value head.
    """

    items: Tensor
    again: Tensor
    words: Tensor
    values: Tensor


def read(model: GroundedLM, value: ValueHead | None, d: Decisions, sayable: Tensor) -> Reading:
    """One pass over the packed rows; the masks are those of the rollout, for policy and reference alike."""
    hidden = model.hidden(d.batch)
    tables = model.item_logits(hidden, d.batch)[d.item_ok].float()
    allowed = d.allowed[d.item_ok]
    items = tables.masked_fill(~allowed, -torch.inf).log_softmax(-1)
    whole = tables.log_softmax(-1)
    other = whole.masked_fill(~allowed, -torch.inf).logsumexp(-1, keepdim=True)
    again = torch.cat([whole.masked_fill(allowed, -torch.inf), other], dim=-1)
    # in place: the logits are the largest tensor there is, and nothing else needs them as they were
    logits = model.word_logits(hidden[d.word_at]).float().masked_fill_(~sayable, -torch.inf)
    words = -F.cross_entropy(logits, d.batch.ids.roll(-1, dims=1)[d.word_at], reduction="none")
    values = value(hidden.float()) if value is not None else hidden.new_zeros(d.batch.ids.shape)
    return Reading(items, again, words, values)


def sayable(codec: DialogueCodec) -> Tensor:
    """bool [V]: the pieces that a system turn may hold; it never leaves the conversation."""
    return torch.from_numpy(codec.may_say(end=False))
