"""Reading states and continuing them: item scores for the whole catalogue, and words token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from crsbench.types import State
from crsbench_lm.batch import collate, token_batches
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.model import GroundedLM

CHUNK_TOKENS = 12_000  # tokens that are read side by side, padding included
NARROW = 256  # up to this width one token's step is too small a piece of work to share between cores


@dataclass(frozen=True, slots=True)
class Said:
    """What was chosen for S states: `items` [S], `logits` float32 [S, I] before any mask, word pieces."""

    items: NDArray[np.int64]
    logits: NDArray[np.float32]
    pieces: list[list[int]]


def device_of(model: torch.nn.Module) -> str:
    return next(model.parameters()).device.type


def chunks(rows: Sequence[Encoded]) -> list[NDArray[np.int64]]:
    """Indices of rows of similar length that are read together: little padding, bounded memory."""
    return token_batches([len(row.ids) for row in rows], CHUNK_TOKENS)


def last_of(rows: Sequence[Encoded], values: Tensor) -> Tensor:
    """values [B, T, ...] → [B, ...]: those of each row's last recommendation position."""
    last = torch.tensor([max(0, len(row.rec) - 1) for row in rows], device=values.device)
    return values[torch.arange(len(rows), device=values.device), last]


def opened(
    codec: DialogueCodec, states: Sequence[State], folds: Sequence[int | None] | None = None
) -> list[Encoded]:
    """The states as rows whose one recommendation position is that of the next system turn."""
    of = folds or [None] * len(states)
    return [
        codec.encode(state.history, opens="system", fold=fold).newest()
        for state, fold in zip(states, of, strict=True)
    ]


@torch.no_grad()
def rank(
    model: GroundedLM,
    codec: DialogueCodec,
    states: Sequence[State],
    folds: Sequence[int | None] | None = None,
) -> NDArray[np.float32]:
    """Item logits float32 [S, I] at the next system turn of each state; `folds` of states out of train."""
    rows = opened(codec, states, folds)
    out = np.empty((len(states), model.items), np.float32)
    for part in chunks(rows):
        here = [rows[i] for i in part]
        batch = collate(here, codec, device_of(model))
        out[part] = last_of(here, model.item_logits(model.hidden(batch), batch)).float().cpu().numpy()
    return out


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
    folds: Sequence[int | None] | None = None,
) -> Said:
    """Choose an item for each state (among `mask`), then say the turn; `folds` of states out of train."""
    rows = opened(codec, states, folds)
    items = np.empty(len(states), np.int64)
    logits = np.empty((len(states), model.items), np.float32)
    pieces: list[list[int]] = [[] for _ in states]
    for part in chunks(rows):
        generation = _Generation(model, codec, [rows[i] for i in part])
        scores = generation.item_logits()
        logits[part] = scores.cpu().numpy()
        if mask is not None:
            scores = scores.masked_fill(~torch.from_numpy(mask[part]).to(scores.device), -torch.inf)
        chosen = draw(scores, rng)
        generation.feed(chosen + model.words)
        items[part] = chosen.cpu().numpy()
        for i, said in zip(part, generation.words(max_words, rng, may_end=False), strict=True):
            pieces[i] = said
    return Said(items, logits, pieces)


@torch.no_grad()
def user_turns(
    model: GroundedLM,
    codec: DialogueCodec,
    states: Sequence[State],
    max_words: int,
    rng: np.random.Generator | None = None,
) -> list[list[int]]:
    """Word pieces of what the user says next, closed by `<eot>` or, where the user leaves, by `<end>`."""
    rows = [codec.encode(state.history, opens="user") for state in states]
    pieces: list[list[int]] = [[] for _ in states]
    for part in chunks(rows):
        generation = _Generation(model, codec, [rows[i] for i in part])
        for i, said in zip(part, generation.words(max_words, rng, may_end=True), strict=True):
            pieces[i] = said
    return pieces


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Generation:
    """A batch of states with its key-value cache; every row appends one token a step."""

    def __init__(self, model: GroundedLM, codec: DialogueCodec, rows: Sequence[Encoded]) -> None:
        self.model, self.codec, self.rows = model, codec, rows
        self.batch = collate(rows, codec, device_of(model), left=True)
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
        return last_of(self.rows, self.model.item_logits(self.hidden, self.batch)).float()

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
        with _threads(1 if self.hidden.shape[-1] <= NARROW else torch.get_num_threads()):
            self._say(said, open_rows, limit, rng, banned)
        return said

    def _say(
        self,
        said: list[list[int]],
        open_rows: NDArray[np.bool_],
        limit: int,
        rng: np.random.Generator | None,
        banned: Tensor,
    ) -> None:
        for step in range(limit):
            logits = self.model.word_logits(self.hidden[:, -1]).float().masked_fill(banned, -torch.inf)
            chosen = draw(logits, rng)
            if step == limit - 1:
                chosen = torch.full_like(chosen, self.codec.eot)
            for row, piece in enumerate(chosen.tolist()):
                if open_rows[row]:
                    said[row].append(piece)
                    open_rows[row] = piece not in (self.codec.eot, self.codec.end)
            if not open_rows.any():
                break
            self.feed(chosen)
