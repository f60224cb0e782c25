"""Is this how the dialogue goes on? A small head on sentence embeddings that learns it from train dialogues.

A frozen encoder embeds the texts; a turn r is judged by its last three turns c₁ (the newest), c₂, c₃:

    h_j = LN(W_j c_j), g = LN(V r);  p = σ(MLP[h₁, h₂, g, h₁∘g, h₂∘g, h₃∘g, |h₁ − g|, cosines, place])

Trained by discrimination (Lowe et al., SIGDIAL 2015): binary cross entropy, the true turn as heavy as all
false ones together, plus half of a softmax over them. False are six turns of other dialogues by the same
speaker, two turns of the same dialogue, and what deceives a cosine: an echo of c₁, a list of titles, one of
the replies that are nearest to all others, the true turn with words replaced. All are made from the dialogues
given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from crsbench.types import Turn

Ids = NDArray[np.int64]
CONTEXT = 3  # turns
RANDOM = 6  # turns of other dialogues that each true one is told from
LISTS, REPLACED = 300, 1000  # texts that are made: each has to be embedded
CENTRAL = 0.05  # the share of the system's turns that counts as generic
WIDTH, DROPOUT, EPOCHS, BATCH = 128, 0.3, 6, 128
RATE, DECAY = 1e-3, 0.05


class Embeds(Protocol):
    """What turns texts into vectors of length 1; `name` says which vectors."""

    name: str

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class _Head(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.context = nn.ModuleList(nn.Linear(width, WIDTH, bias=False) for _ in range(CONTEXT))
        self.turn = nn.Linear(width, WIDTH, bias=False)
        self.judge = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(7 * WIDTH + 7, WIDTH),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(WIDTH, 1),
        )

    def forward(self, context: torch.Tensor, turns: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Logits [B, K] of `turns` [B, K, E] after `context` [B, 3, E], newest first; `place` [B, 3]."""
        read = (layer(context[:, j]) for j, layer in enumerate(self.context))
        h1, h2, h3 = (functional.layer_norm(h, (WIDTH,))[:, None] for h in read)
        g = functional.layer_norm(self.turn(turns), (WIDTH,))
        cosines = torch.einsum("bce,bke->bkc", context, turns)
        within = (context[:, 0] * context[:, 1]).sum(-1)[:, None, None]
        shared = (x.expand(-1, turns.shape[1], -1) for x in (h1, h2, within, place[:, None]))
        parts = [*shared, g, h1 * g, h2 * g, h3 * g, (h1 - g).abs(), cosines]
        return self.judge(torch.cat(parts, -1)).squeeze(-1)


class NextTurn:
    """`fit` on dialogues, then ask. The same dialogues give the same head, whatever was random before."""

    def __init__(self, encoder: Embeds) -> None:
        self._encoder = encoder

    def fit(self, dialogues: Sequence[Sequence[Turn]], titles: Sequence[str]) -> Self:
        """`titles` of what is recommended in them, once for each time. Raises ValueError without a turn that
        follows another."""
        examples = _Examples(dialogues, titles, np.random.default_rng(0))
        vectors = torch.from_numpy(self._encoder.embed(examples.texts))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._head = _Head(vectors.shape[1])
            self._train(examples, vectors)
        self._head.eval()
        return self

    def _train(self, examples: _Examples, vectors: torch.Tensor) -> None:
        optimizer = torch.optim.AdamW(self._head.parameters(), lr=RATE, weight_decay=DECAY)
        steps = EPOCHS * -(-len(examples) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.15)
        examples.centre(vectors.numpy())
        for _ in range(EPOCHS):
            for rows in np.array_split(examples.rng.permutation(len(examples)), steps // EPOCHS):
                ids = torch.from_numpy(examples.candidates(rows))  # [B, K], the true one first
                context = vectors[torch.from_numpy(examples.context[rows])]
                logits = self._head(context, vectors[ids], torch.from_numpy(examples.place[rows]))
                loss = _loss(logits, ids)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()

    def save(self, path: Path) -> None:
        """Write what was learnt as safetensors."""
        save_file(self._head.state_dict(), path)

    def load(self, path: Path) -> Self:
        """Read it back. Raises OSError where the file is missing, SafetensorError where it is damaged."""
        learnt = load_file(path)
        self._head = _Head(learnt["turn.weight"].shape[1])
        self._head.load_state_dict(learnt)
        self._head.eval()
        return self

    @torch.inference_mode()
    def probability(self, histories: Sequence[Sequence[Turn]], turns: Sequence[str]) -> NDArray[np.float64]:
        """[N]: how likely each text is the system's next turn after its history, rather than a false one."""
        context = [_context([turn.text for turn in history]) for history in histories]
        texts = list(dict.fromkeys([*turns, *(text for some in context for text in some)]))
        at = {text: i for i, text in enumerate(texts)}
        vectors = torch.from_numpy(self._encoder.embed(texts))
        before = vectors[torch.tensor([[at[text] for text in some] for some in context])]
        after = vectors[torch.tensor([at[text] for text in turns])][:, None]
        place = torch.from_numpy(np.array([_place(len(h), "system") for h in histories], np.float32))
        return torch.sigmoid(self._head(before, after, place)[:, 0]).double().numpy()


class _Examples:
    """Every turn that follows another, of either speaker, with what it is told from; texts as ids."""

    def __init__(
        self, dialogues: Sequence[Sequence[Turn]], titles: Sequence[str], rng: np.random.Generator
    ) -> None:
        self.rng = rng
        self._ids: dict[str, int] = {}
        context: list[list[int]] = []
        true: list[int] = []
        place: list[tuple[float, ...]] = []
        alike: list[Ids] = []
        others: list[Ids] = []
        for turns in dialogues:
            own = np.array([self._id(turn.text) for turn in turns], np.int64)
            system = np.array([turn.speaker == "system" for turn in turns])
            for i in range(1, len(turns)):
                context.append([self._id(text) for text in _context([turn.text for turn in turns[:i]])])
                true.append(int(own[i]))
                place.append(_place(i, turns[i].speaker))
                rest = np.arange(len(turns)) != i
                others.append(own[rest])
                same = own[rest & (system == system[i])]
                alike.append(same if len(same) else own[rest])
        if not true:
            raise ValueError("no turn follows another")
        self.context, self._true = np.array(context), np.array(true)
        self.place = np.array(place, np.float32)
        self._system = self.place[:, 2] > 0
        self._near = [
            (np.concatenate(some), np.array([len(one) for one in some])) for some in (alike, others)
        ]
        self._make(titles)

    def __len__(self) -> int:
        return len(self._true)

    @property
    def texts(self) -> list[str]:
        return list(self._ids)

    def _id(self, text: str) -> int:
        return self._ids.setdefault(text, len(self._ids))

    def _make(self, titles: Sequence[str]) -> None:
        """Lists of titles, and true turns of the system with words replaced by the system's other words."""
        known, rng = self.texts, self.rng
        rows = rng.permutation(np.flatnonzero(self._system))[:REPLACED]
        said = [known[self._true[row]].split() for row in rows]
        vocabulary = [word for words in said for word in words]
        self._replaced = np.full(len(self), -1)
        for row, words in zip(rows, said, strict=True):
            for at in rng.permutation(len(words))[: max(1, round(rng.uniform(0.15, 1) * len(words)))]:
                words[at] = vocabulary[rng.integers(len(vocabulary))]
            self._replaced[row] = self._id(" ".join(words))
        separators = (", ", "\n", " ", " and ")
        drawn = (rng.choice(titles, rng.integers(1, 6)) for _ in range(LISTS if len(titles) else 0))
        lists = [self._id(str(rng.choice(separators)).join(some)) for some in drawn]
        self._lists = np.array(lists or self._true, np.int64)

    def centre(self, vectors: NDArray[np.float32]) -> None:
        """Find the generic replies: the system's turns that are nearest to their mean."""
        turns = self._true[self._system] if self._system.any() else self._true
        near = vectors[turns] @ vectors[turns].mean(axis=0)
        self._generic = turns[np.argsort(-near)[: max(1, round(CENTRAL * len(turns)))]]

    def candidates(self, rows: Ids) -> Ids:
        """[B, 1 + RANDOM + 6], the true turn first. What is made for the system alone is random for users."""
        system = self._system[rows]
        spoken = [self._true[self._system == who] for who in (True, False)]
        like = [pool if len(pool) else self._true for pool in spoken]
        random = [np.where(system, *(self._drawn(pool, rows) for pool in like)) for _ in range(RANDOM)]
        lists = np.where(system, self._drawn(self._lists, rows), self._drawn(self._true, rows))
        replaced = np.where(self._replaced[rows] >= 0, self._replaced[rows], lists)
        generic = np.where(system, self._drawn(self._generic, rows), self._drawn(self._true, rows))
        near = [
            turns[(counts.cumsum() - counts)[rows] + self.rng.integers(0, counts[rows])]
            for turns, counts in self._near
        ]
        return np.stack(
            [self._true[rows], *random, *near, self.context[rows, 0], lists, generic, replaced], 1
        )

    def _drawn(self, pool: Ids, rows: Ids) -> Ids:
        return pool[self.rng.integers(0, len(pool), len(rows))]


def _loss(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """A false turn with the true one's text counts nothing."""
    same = ids == ids[:, :1]
    true = torch.zeros_like(logits)
    true[:, 0] = 1
    weight = (~same).to(logits.dtype)
    weight[:, 0] = ids.shape[1] - 1
    binary = functional.binary_cross_entropy_with_logits(logits, true, weight)
    same[:, 0] = False
    chosen = functional.cross_entropy(logits.masked_fill(same, -1e4), torch.zeros(len(ids), dtype=torch.long))
    return binary + chosen / 2


def _context(texts: Sequence[str]) -> list[str]:
    """The last turns, newest first; nothing where there are fewer."""
    return [*texts[: -CONTEXT - 1 : -1], *[""] * CONTEXT][:CONTEXT]


def _place(before: int, speaker: Any) -> tuple[float, float, float]:
    return float(np.log(max(1, before))), float(before <= 2), float(speaker == "system")
