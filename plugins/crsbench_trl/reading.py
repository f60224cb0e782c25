"""A grounded language model as TRL's trainers take it: one vocabulary, one hidden state, one linear head.

Those trainers know token ids and nothing else, and compute log-probabilities from hidden states and the
weight of the output layer by themselves. So a prompt opens with a token of its own that names its *row*, by
which the mentions of its history and the items that may be recommended are found; and what those say for
each item, and which tokens may stand where, is written into dimensions added to the hidden states and to the
output layer, anew for every batch:

    [ h | 1_b | r | w ] · [  W  0 −C u ]ᵀ  for words     1_b: which row of the batch, at its recommendation
                          [ μE  G  0 −C ]  for items     r, w: 1 at that position, and everywhere else

where G holds the grounding logits of the batch's rows, μ is what the language model's own part of the logit
weighs, and u = −C for pieces that no turn may hold. The logits are those of the policy when it acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from crsbench_lm.batch import collate
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.decode import last_of, opened, system_turns
from crsbench_lm.masks import unseen
from crsbench_lm.model import GroundedLM
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput

from crsbench.types import State, Transition

NEVER = 1e4  # nats under everything else


class Rows:
    """Logged states as prompts: row r is the token V + I + r, then the tokens of state r up to `<rec>`."""

    def __init__(
        self, codec: DialogueCodec, transitions: Sequence[Transition], chosen: Sequence[int]
    ) -> None:
        """Row r is the state of transition `chosen[r]`; what was recommended before it may not be again."""
        self.codec, self.chosen = codec, chosen
        self.transitions = [transitions[i] for i in chosen]
        self.states = [State(transition.state.history) for transition in self.transitions]
        self.allowed = unseen(self.states, len(codec.catalog))
        self.folds = [transition.fold for transition in self.transitions]
        self.encoded = opened(codec, self.states, self.folds)
        self.first = codec.words + len(codec.catalog)

    def prompt(self, row: int) -> str:
        return spell([self.first + row, *self.encoded[row].ids.tolist()])

    def row(self, prompt: str) -> int:
        """The row of a prompt's text."""
        return int(prompt.split()[0][1:-1]) - self.first

    def tokenizer(self) -> PreTrainedTokenizerFast:
        """Reads what `spell` writes."""
        vocabulary = {spell([i]): i for i in range(self.first + len(self.states))}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=spell([self.codec.pad])))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        ends = {"pad_token": spell([self.codec.pad]), "eos_token": spell([self.codec.eot])}
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **ends)


def spell(ids: Sequence[int]) -> str:
    """Token ids as text that is cut into the same ids again."""
    return " ".join(f"<{i}>" for i in ids)


class _Reader(nn.Module):
    """Token ids with their rows → hidden states with the added dimensions, [B, L, d + B + 2].

    `grounding` [B, I] is that of the last batch, for the output layer.
    """

    def __init__(self, grounded: GroundedLM, rows: Rows) -> None:
        super().__init__()
        self.grounded = grounded
        self.rows = rows
        self.grounding = torch.empty(0, grounded.items)

    def forward(self, input_ids: Tensor, **_: Any) -> BaseModelOutput:
        model, rows = self.grounded, self.rows
        B, L = input_ids.shape
        named, start = self.named(input_ids)
        # The dialogue begins after the row's token, wherever the batch was padded.
        along = torch.arange(L, device=input_ids.device)
        index = along + start[:, None]
        ids = input_ids.gather(1, index.clamp(max=L - 1)).masked_fill(index >= L, rows.codec.pad)
        hidden = model.trunk(model.embed(ids, model.item_embeddings()), use_cache=False)
        encoded = [rows.encoded[r] for r in named]
        batch = collate(encoded, rows.codec, str(input_ids.device))
        grounding = last_of(encoded, model.grounding(hidden, batch))
        banned = torch.from_numpy(~rows.allowed[named]).to(hidden.device)
        at = torch.tensor([int(one.rec[-1]) for one in encoded], device=hidden.device)
        self.grounding = grounding - NEVER * banned
        added = hidden.new_zeros(B, L, B + 2)
        added[..., -1] = 1.0
        each = torch.arange(B, device=hidden.device)
        added[each, at, each] = 1.0
        added[each, at, -2:] = hidden.new_tensor([1.0, 0.0])
        whole = torch.cat([hidden, added], dim=-1)
        back = (along - start[:, None]).clamp(min=0)
        return BaseModelOutput(whole.gather(1, back[..., None].expand(-1, -1, whole.shape[-1])))

    def named(self, input_ids: Tensor) -> tuple[list[int], Tensor]:
        """(the rows of a batch, where their dialogues begin [B])."""
        where = (input_ids >= self.rows.first).int().argmax(1)
        named = input_ids.gather(1, where[:, None])[:, 0] - self.rows.first
        return named.tolist(), where + 1


class _Head(nn.Module):
    """The output layer over words and items, composed for the reader's last batch when it is asked for."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__()
        self._reader = [reader]  # in a list: its parameters are the reader's
        sayable = torch.from_numpy(reader.rows.codec.may_say(end=False))
        self.register_buffer("unsayable", torch.where(sayable, 0.0, -NEVER), persistent=False)

    @property
    def weight(self) -> Tensor:
        """[V + I, d + B + 2]."""
        model, grounding = self._reader[0].grounded, self._reader[0].grounding
        words: Tensor = model.lm.get_output_embeddings().weight
        items = model.mix[0] * model.item_embeddings()
        V, n = len(words), model.items
        never = words.new_full((max(V, n), 1), -NEVER)
        none = words.new_zeros(V, len(grounding))
        said = torch.cat([words, none, never[:V], self.unsayable[:, None]], dim=1)
        shown = [items, grounding.T.to(items), torch.zeros_like(never[:n]), never[:n]]
        return torch.cat([said, torch.cat(shown, dim=1)])

    @property
    def bias(self) -> Tensor:
        model = self._reader[0].grounded
        own = getattr(model.lm.get_output_embeddings(), "bias", None)
        words = model.bias.new_zeros(model.words) if own is None else own
        return torch.cat([words, model.mix[0] * model.bias])

    def forward(self, hidden: Tensor) -> Tensor:
        return nn.functional.linear(hidden, self.weight, self.bias)


class RowModel(PreTrainedModel):
    """`grounded` over the prompts of `rows`, for a trainer that knows token ids alone; trained in place."""

    config_class = PreTrainedConfig
    base_model_prefix = "reader"

    def __init__(self, grounded: GroundedLM, rows: Rows, max_words: int, seed: int) -> None:
        super().__init__(PreTrainedConfig(vocab_size=rows.first + len(rows.states)))
        self.reader = _Reader(grounded, rows)
        self.head = _Head(self.reader)
        self.generation_config = GenerationConfig()
        self.max_words = max_words
        self.rng = np.random.default_rng([seed, 2])

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, input_ids: Tensor, **_: Any) -> CausalLMOutput:
        return CausalLMOutput(logits=self.head(self.reader(input_ids).last_hidden_state))

    @torch.no_grad()
    def generate(self, input_ids: Tensor, **_: Any) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The prompts with a turn sampled after each, padded on the right."""
        rows, model = self.reader.rows, self.reader.grounded
        named, _start = self.reader.named(input_ids)
        states, folds = ([of[r] for r in named] for of in (rows.states, rows.folds))
        said = system_turns(model, rows.codec, states, self.max_words, rows.allowed[named], self.rng, folds)
        turns = [[model.words + int(i), *p] for i, p in zip(said.items, said.pieces, strict=True)]
        longest = max(len(turn) for turn in turns)
        padded = [turn + [rows.codec.pad] * (longest - len(turn)) for turn in turns]
        return torch.cat([input_ids, torch.tensor(padded, device=input_ids.device)], dim=1)
