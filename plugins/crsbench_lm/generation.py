"""Conversations that are continued token by token, side by side, with what was read of them kept."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from crsbench_lm.batch import collate
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.model import GroundedLM, take


def device_of(model: torch.nn.Module) -> str:
    return next(model.parameters()).device.type


def last_of(rows: Sequence[Encoded], values: Tensor) -> Tensor:
    """values [B, T, ...] → [B, ...]: those of each row's last recommendation position."""
    last = torch.tensor([max(0, len(row.rec) - 1) for row in rows], device=values.device)
    return values[torch.arange(len(rows), device=values.device), last]


def draw(logits: Tensor, rng: np.random.Generator | None) -> Tensor:
    """The best index of each row [S, N] → [S], or one drawn in proportion to exp(logits)."""
    if rng is None:
        return logits.argmax(-1)
    cumulative = logits.double().softmax(-1).cumsum(-1)
    point = torch.from_numpy(rng.random(len(logits))).to(cumulative.device)[:, None]
    found = (cumulative <= point * cumulative[:, -1:]).sum(-1)
    return found.clamp(max=logits.shape[-1] - 1)


def cache_argument(model: GroundedLM) -> str:
    """What the language model calls its key-value cache: transformers renamed it in 5.24."""
    known = inspect.signature(cast(Any, model.lm.base_model).forward).parameters
    return "cache" if "cache" in known else "past_key_values"


class RoomyLayer(DynamicLayer):
    """A layer of the cache with room for what is said next: a token does not copy what was read before.

    It writes in place, so no gradient flows through it.
    """

    _room: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Add columns [B, heads, n, d]; returns all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        read = self.get_seq_length()
        end = read + key_states.shape[-2]
        if not self._has_room(end):
            self._room = _roomy(key_states, self.keys, read), _roomy(value_states, self.values, read)
        assert self._room is not None
        keys, values = self._room
        keys[:, :, read:end], values[:, :, read:end] = key_states, value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def _has_room(self, end: int) -> bool:
        """Whether `keys` still begin a room that is large enough (rows may have left it)."""
        if self._room is None or self.keys is None:
            return False
        room = self._room[0]
        return room.data_ptr() == self.keys.data_ptr() and room.shape[-2] >= end


def _roomy(new: Tensor, known: Tensor | None, read: int) -> Tensor:
    """Room for the `read` columns that are known, for the new ones, and for half as many more or 64."""
    end = read + new.shape[2]
    room = new.new_empty(*new.shape[:2], end + max(64, end // 2), new.shape[3])
    if read and known is not None:
        room[:, :, :read] = known
    return room


class Generation:
    """B rows with their key-value cache.

    Its N columns hold what was read, in the order in which it was; `attend` [B, N] says where a token is
    the row's own and where it only fills up, because other rows had more to read or to say.
    """

    def __init__(self, model: GroundedLM, codec: DialogueCodec, rows: Sequence[Encoded]) -> None:
        self.model, self.codec = model, codec
        self.argument = cache_argument(model)
        words = cast(Tensor, model.lm.get_input_embeddings().weight)
        self.table = torch.cat([words, model.item_embeddings().to(words.dtype)])
        self._begin(rows)

    def _begin(self, rows: Sequence[Encoded]) -> None:
        self.cache = DynamicCache(config=self.model.lm.config)
        self.cache.layers = [RoomyLayer() if type(one) is DynamicLayer else one for one in self.cache.layers]
        self.ids, self.attend = (torch.zeros(len(rows), 0, dtype=torch.long) for _ in range(2))
        self.parts: list[Tensor] = []  # hidden states of the columns, [B, n, d] each
        self._read(rows)

    def go_on(self, kept: Sequence[int], rows: Sequence[Encoded]) -> None:
        """Keep some rows, with all that was said in them since; what was read before is not read again."""
        self.cache.batch_select_indices(torch.tensor(kept, device=device_of(self.model)))
        self.ids, self.attend = self.ids[kept], self.attend[kept]
        self.parts = [part[kept] for part in self.parts]
        known = [ids[own.bool()].numpy() for ids, own in zip(self.ids, self.attend, strict=True)]
        same = (np.array_equal(row.ids[: len(k)], k) for row, k in zip(rows, known, strict=True))
        if all(same):
            self._read(rows)
        else:  # the oldest turns were dropped from a row
            self._begin(rows)

    def _read(self, rows: Sequence[Encoded]) -> None:
        self.rows = rows
        new = [row.ids[n:] for row, n in zip(rows, self.attend.sum(1).tolist(), strict=True)]
        longest = max(len(ids) for ids in new)
        ids = torch.full((len(rows), longest), self.codec.pad)
        own = torch.zeros_like(ids)
        for b, tokens in enumerate(new):
            ids[b, longest - len(tokens) :] = torch.from_numpy(tokens)
            own[b, longest - len(tokens) :] = 1
        self._append(ids, own)

    def _append(self, ids: Tensor, own: Tensor) -> None:
        self.ids, self.attend = torch.cat([self.ids, ids], dim=1), torch.cat([self.attend, own], dim=1)
        positions = (self.attend.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        device = self.table.device
        hidden = self.model.trunk(
            F.embedding(ids.to(device), self.table),
            attention_mask=self.attend.to(device),
            position_ids=positions.to(device),
            **{self.argument: self.cache},
            use_cache=True,
        )
        self.parts.append(hidden)

    def item_logits(self) -> Tensor:
        """[B, I] at the last recommendation position of each row as it was read."""
        order = (1 - self.attend).argsort(dim=1, stable=True)[:, : max(len(row.ids) for row in self.rows)]
        hidden = torch.cat(self.parts, dim=1)
        batch = collate(self.rows, self.codec, device_of(self.model))
        packed = take(hidden, order.to(hidden.device))
        return last_of(self.rows, self.model.item_logits(packed, batch)).float()

    def turn(
        self, mask: NDArray[np.bool_] | None, max_words: int, rng: np.random.Generator | None
    ) -> tuple[Tensor, Tensor, list[list[int]]]:
        """A system turn in every row: item logits [B, I] before the mask [B, I], items [B], word pieces."""
        logits = self.item_logits()
        scores = logits
        if mask is not None:
            scores = logits.masked_fill(~torch.from_numpy(mask).to(logits.device), -torch.inf)
        chosen = draw(scores, rng)
        self._append((chosen + self.model.words).cpu()[:, None], torch.ones(len(chosen), 1, dtype=torch.long))
        return logits, chosen, self.words(max_words, rng, may_end=False)

    def words(self, limit: int, rng: np.random.Generator | None, may_end: bool) -> list[list[int]]:
        """Word pieces of each row up to and with the one that closes the turn."""
        banned = ~torch.from_numpy(self.codec.may_say(may_end)).to(self.table.device)
        said: list[list[int]] = [[] for _ in self.rows]
        going = torch.ones(len(said), dtype=torch.bool)
        for step in range(limit):
            logits = self.model.word_logits(self.parts[-1][:, -1]).float()
            chosen = draw(logits.masked_fill(banned, -torch.inf), rng).cpu()
            if step == limit - 1:
                chosen = torch.full_like(chosen, self.codec.eot)
            for row in going.nonzero()[:, 0].tolist():
                said[row].append(int(chosen[row]))
            spoke = going
            going = going & (chosen != self.codec.eot) & (chosen != self.codec.end)
            if not going.any():
                break
            self._append(chosen[:, None], spoke.long()[:, None])
        return said
