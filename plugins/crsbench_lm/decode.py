"""Reading states and continuing them: item scores for the whole catalogue, and words token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from crsbench.types import State
from crsbench_lm.batch import collate
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM

CHUNK = 128  # states that are read side by side


@dataclass(frozen=True, slots=True)
class Said:
    """What was chosen for S states: `items` [S] (None without items), `logits` float32 [S, I], word pieces."""

    items: NDArray[np.int64] | None
    logits: NDArray[np.float32] | None
    pieces: list[list[int]]


def device_of(model: torch.nn.Module) -> str:
    return next(model.parameters()).device.type


@torch.no_grad()
def rank(model: GroundedLM, codec: DialogueCodec, states: Sequence[State]) -> NDArray[np.float32]:
    """Item logits float32 [S, I] at the next system turn of each state."""
    out: list[NDArray[np.float32]] = []
    for start in range(0, len(states), CHUNK):
        rows = [codec.encode(state.history, opens="system") for state in states[start : start + CHUNK]]
        batch = collate(rows, codec.links, codec.pad, device_of(model))
        logits = model.item_logits(model.hidden(batch), batch)
        last = torch.tensor([len(row.rec) - 1 for row in rows], device=logits.device)
        out.append(logits[torch.arange(len(rows)), last].float().cpu().numpy())
    return np.concatenate(out)


def draw(logits: Tensor, rng: np.random.Generator | None) -> Tensor:
    """The best index of each row [S, N] → [S], or one drawn in proportion to exp(logits)."""
    if rng is None:
        return logits.argmax(-1)
    cumulative = logits.double().softmax(-1).cumsum(-1)
    point = torch.from_numpy(rng.random(len(logits))).to(cumulative.device)[:, None]
    found = (cumulative <= point * cumulative[:, -1:]).sum(-1)
    return found.clamp(max=logits.shape[-1] - 1)


@torch.no_grad()
def system_turns(
    model: GroundedLM,
    codec: DialogueCodec,
    states: Sequence[State],
    max_words: int,
    mask: NDArray[np.bool_] | None = None,
    rng: np.random.Generator | None = None,
) -> Said:
    """Choose an item for each state (among `mask`), then say the turn."""
    items: list[NDArray[np.int64]] = []
    logits: list[NDArray[np.float32]] = []
    pieces: list[list[int]] = []
    for start in range(0, len(states), CHUNK):
        part = slice(start, start + CHUNK)
        generation = _Generation(model, codec, states[part], "system")
        scores = generation.item_logits()
        logits.append(scores.cpu().numpy())
        if mask is not None:
            scores = scores.masked_fill(~torch.from_numpy(mask[part]).to(scores.device), -torch.inf)
        chosen = draw(scores, rng)
        generation.feed(chosen + model.words)
        items.append(chosen.cpu().numpy())
        pieces += generation.words(max_words, rng, may_end=False)
    return Said(np.concatenate(items), np.concatenate(logits), pieces)


@torch.no_grad()
def user_turns(
    model: GroundedLM,
    codec: DialogueCodec,
    states: Sequence[State],
    max_words: int,
    rng: np.random.Generator | None = None,
) -> Said:
    """What the user says next, closed by `<eot>` or, where the user leaves, by `<end>`."""
    pieces: list[list[int]] = []
    for start in range(0, len(states), CHUNK):
        generation = _Generation(model, codec, states[start : start + CHUNK], "user")
        pieces += generation.words(max_words, rng, may_end=True)
    return Said(None, None, pieces)


class _Generation:
    """A batch of states with its key-value cache; every row appends one token a step."""

    def __init__(self, model: GroundedLM, codec: DialogueCodec, states: Sequence[State], opens: str) -> None:
        self.model, self.codec = model, codec
        rows = [codec.encode(state.history, opens=opens) for state in states]
        self.batch = collate(rows, codec.links, codec.pad, device_of(model), left=True)
        self.last_rec = torch.tensor([max(0, len(row.rec) - 1) for row in rows])
        self.table = model.item_embeddings()
        self.cache = DynamicCache(config=model.lm.config)
        self.attend = self.batch.present.long()
        self.hidden = self._step(self.batch.ids)

    def _step(self, ids: Tensor) -> Tensor:
        positions = (self.attend.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        return self.model.trunk(
            self.model.embed(ids, self.table),
            attention_mask=self.attend,
            position_ids=positions,
            past_key_values=cast(Any, self.cache),
            use_cache=True,
        )

    def item_logits(self) -> Tensor:
        logits = self.model.item_logits(self.hidden, self.batch)
        return logits[torch.arange(len(logits)), self.last_rec].float()

    def feed(self, ids: Tensor) -> None:
        """Append one token to each row."""
        self.attend = torch.cat([self.attend, torch.ones_like(self.attend[:, :1])], dim=1)
        self.hidden = self._step(ids[:, None])

    def words(self, limit: int, rng: np.random.Generator | None, may_end: bool) -> list[list[int]]:
        """Word pieces of each row up to and with the one that closes the turn."""
        codec = self.codec
        allowed = torch.from_numpy(codec.sayable.copy())
        allowed[codec.end] = may_end
        banned = ~allowed.to(self.hidden.device)
        said: list[list[int]] = [[] for _ in range(len(self.hidden))]
        open_rows = np.ones(len(said), bool)
        for step in range(limit):
            logits = self.model.word_logits(self.hidden[:, -1]).float().masked_fill(banned, -torch.inf)
            chosen = draw(logits, rng)
            if step == limit - 1:
                chosen = torch.full_like(chosen, codec.eot)
            for row, piece in enumerate(chosen.tolist()):
                if open_rows[row]:
                    said[row].append(piece)
                    open_rows[row] = piece not in (codec.eot, codec.end)
            if not open_rows.any():
                break
            self.feed(chosen)
        return said
