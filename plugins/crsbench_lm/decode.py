"""Reading states and continuing them: item scores for the whole catalogue, and words token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from crsbench.types import State
from crsbench_lm.batch import collate, token_batches
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.generation import Generation, device_of, last_of
from crsbench_lm.model import GroundedLM

CHUNK_TOKENS = 12_000  # tokens that are read side by side, padding included


@dataclass(frozen=True, slots=True)
class Said:
    """What was chosen for S states: `items` [S], `logits` float32 [S, I] before any mask, word pieces."""

    items: NDArray[np.int64]
    logits: NDArray[np.float32]
    pieces: list[list[int]]


def chunks(rows: Sequence[Encoded]) -> list[NDArray[np.int64]]:
    """Indices of rows of similar length that are read together: little padding, bounded memory."""
    return token_batches([len(row.ids) for row in rows], CHUNK_TOKENS)


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
    """Item logits float32 [S, I] at the next system turn of each state; `folds` of those remembered."""
    rows = opened(codec, states, folds)
    out = np.empty((len(states), model.items), np.float32)
    for part in chunks(rows):
        here = [rows[i] for i in part]
        batch = collate(here, codec, device_of(model))
        out[part] = last_of(here, model.item_logits(model.hidden(batch), batch)).float().cpu().numpy()
    return out


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
    """Choose an item for each state (among `mask`), then say the turn; `folds` of those remembered."""
    rows = opened(codec, states, folds)
    items = np.empty(len(states), np.int64)
    logits = np.empty((len(states), model.items), np.float32)
    pieces: list[list[int]] = [[] for _ in states]
    for part in chunks(rows):
        generation = Generation(model, codec, [rows[i] for i in part])
        scores, chosen, said = generation.turn(None if mask is None else mask[part], max_words, rng)
        logits[part], items[part] = scores.cpu().numpy(), chosen.cpu().numpy()
        for i, words in zip(part, said, strict=True):
            pieces[i] = words
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
        generation = Generation(model, codec, [rows[i] for i in part])
        for i, said in zip(part, generation.words(max_words, rng, may_end=True), strict=True):
            pieces[i] = said
    return pieces
