"""The item-grounded language model.

A causal language model of the transformers library with one token per item added to its vocabulary. The
embedding of item i is composed, e_i = free_i + Σ_a w_ia · entity_a over what is known of the item, so that
an item never seen in training still has one. At a recommendation position t

    logit(i) = μ₁ (h_t · e_i + b_i) + μ₂ Σ_m α_tm · link(m, i) + μ₃ Σ_m κ_tm · 1(m is i)

                      + μ₄ z(f_ti) · w + μ₅ z(f_ti) · G h_t + μ₆ ranked(t, i)

over the mentions m before t: the gates α, κ are read off the hidden states at t, at the mention and at the
end of the mention's turn. The second line weighs what counting says of i at t (evidence.py) by a small
network z of its features f_ti: by itself, trained alone (head.py), and as the conversation reads; and by
trees (rankers.py), which stay as they are. The weights μ of these parts are fitted on held-out rows
(mixing.py). One forward pass ranks the whole catalogue.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from crsbench_features.links import LinkIndex
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation

from crsbench_lm.batch import MAX_AGE, Batch
from crsbench_lm.head import EvidenceHead

PARTS = ("language model", "links", "copies", "counted", "counted as it reads", "ranked")
RANKED = PARTS.index("ranked")


class MentionGate(nn.Module):
    """How much each mention speaks for the items linked to it, and for itself, at each position."""

    def __init__(self, width: int, relations: int, hidden: int = 64) -> None:
        super().__init__()
        self.position = nn.Linear(width, hidden)
        self.mention = nn.Linear(width, hidden, bias=False)
        self.close = nn.Linear(width, hidden, bias=False)
        self.relation = nn.Embedding(relations + 1, hidden)
        self.role = nn.Embedding(2, hidden)
        self.age = nn.Embedding(MAX_AGE + 1, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, hidden: Tensor, batch: Batch) -> Tensor:
        """hidden [B, L, d] → gates [B, T, M, 2], zero where the mention is not visible."""
        position = self.position(take(hidden, batch.rec))[:, :, None, :]
        mention = self.mention(take(hidden, batch.at)) + self.close(take(hidden, batch.closes))
        mention = mention + self.relation(batch.relation) + self.role(batch.mention_role)
        gates = self.out(torch.tanh(position + mention[:, None] + self.age(batch.age)))
        return gates * batch.visible[..., None]


def take(hidden: Tensor, positions: Tensor) -> Tensor:
    """hidden [B, L, d], positions [B, N] → [B, N, d]."""
    return hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1]))


class GroundedLM(nn.Module):
    """The language model `lm` over V word pieces, extended by the items of a catalogue.

    `scale` [F] is that of the features of evidence (None: it weighs none). `dropout` is that of h_t where an
    item is scored: without it a small corpus is learnt by heart, long before its words are learnt at all.
    """

    mix: Tensor
    composition_index: Tensor
    composition_offset: Tensor
    composition_weight: Tensor

    def __init__(
        self, lm: PreTrainedModel, links: LinkIndex, scale: Tensor | None = None, dropout: float = 0.0
    ) -> None:
        super().__init__()
        for module in list(lm.modules()):
            for name, child in module.named_children():
                if isinstance(child, NewGELUActivation):  # the same function in one kernel instead of eight
                    setattr(module, name, nn.GELU(approximate="tanh"))
        self.lm = lm
        self.items = links.items
        words = lm.get_input_embeddings()
        self.words, width = cast(Tensor, words.weight).shape
        self.free = nn.Embedding(links.items, width)
        self.entity = nn.EmbeddingBag(max(1, len(links.entities)), width, mode="sum")
        self.bias = nn.Parameter(torch.zeros(links.items))
        self.gate = MentionGate(width, len(links.relations))
        self.evidence = EvidenceHead(width, scale) if scale is not None else None
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mix", torch.ones(len(PARTS)))
        nn.init.normal_(self.free.weight, std=0.02)
        nn.init.normal_(self.entity.weight, std=0.05)
        known = links.composition
        # Rebuilt from the catalogue: not part of what was learnt.
        for name, array in (
            ("index", known.indices.astype("int64")),
            ("offset", known.indptr[:-1].astype("int64")),
            ("weight", known.data),
        ):
            self.register_buffer(f"composition_{name}", torch.from_numpy(array.copy()), persistent=False)

    def weigh(self, links: bool, copies: bool, language_model: bool) -> None:
        """Leave parts of the item logits out. Gates are read off hidden states: the language model's, too."""
        reads = language_model
        on = (reads, reads and links, reads and copies, True, reads, True)
        self.mix.copy_(torch.tensor(on))

    def item_embeddings(self) -> Tensor:
        """e [I, d]."""
        known = self.entity(
            self.composition_index, self.composition_offset, per_sample_weights=self.composition_weight
        )
        return self.free.weight + known

    def embed(self, ids: Tensor, items: Tensor) -> Tensor:
        """Embeddings of word pieces and, from V on, of items: ids [...] → [..., d]."""
        words = cast(Tensor, self.lm.get_input_embeddings().weight)
        # (to put both tables together first would copy the larger one at every read)
        is_item = ids >= self.words
        of_words = F.embedding(ids.masked_fill(is_item, 0), words)
        of_items = F.embedding((ids - self.words).clamp(min=0), items.to(words.dtype))
        return torch.where(is_item[..., None], of_items, of_words)

    def trunk(self, inputs: Tensor, **options: Any) -> Tensor:
        """Hidden states after the last layer [B, L, d] of embedded tokens."""
        base = cast(PreTrainedModel, self.lm.base_model)
        return base(inputs_embeds=inputs, **options).last_hidden_state

    def hidden(self, batch: Batch) -> Tensor:
        """Hidden states [B, L, d] of right-padded dialogues: causality keeps padding out."""
        return self.trunk(self.embed(batch.ids, self.item_embeddings()), use_cache=False)

    def word_logits(self, hidden: Tensor) -> Tensor:
        """[..., d] → [..., V]."""
        return cast(nn.Module, self.lm.get_output_embeddings())(hidden)

    def item_logits(self, hidden: Tensor, batch: Batch) -> Tensor:
        """hidden [B, L, d] → [B, T, I] at the recommendation positions."""
        return self.mix[0] * self.own(hidden, batch) + self.grounding(hidden, batch)

    def own(self, hidden: Tensor, batch: Batch) -> Tensor:
        """h · e + b, [B, T, I]."""
        return self.dropout(take(hidden, batch.rec)) @ self.item_embeddings().T + self.bias

    def grounding(self, hidden: Tensor, batch: Batch) -> Tensor:
        """What the mentions and the evidence say for the items, [B, T, I]."""
        first, *others = self.grounds(hidden, batch)
        total = self.mix[1] * first
        for weight, part in zip(self.mix[2:], others, strict=False):
            total = total + weight * part
        return total

    def grounds(self, hidden: Tensor, batch: Batch) -> list[Tensor]:
        """The parts of `grounding` before they are weighed, each [B, T, I]; two where nothing is counted."""
        gates = self.gate(hidden, batch)
        linked = torch.einsum("btm,bmi->bti", gates[..., 0], batch.links)
        is_item = batch.nodes < self.items
        copies = gates[..., 1] * is_item[:, None]
        index = batch.nodes.clamp(max=self.items - 1)[:, None].expand_as(copies)
        zeros = torch.zeros_like(linked)
        parts = [linked, zeros.scatter_add(2, index, copies.to(linked.dtype))]
        if self.evidence is not None:
            counted = self.evidence(take(hidden, batch.rec), batch.evidence)
            said = (*counted, batch.ranked)
            parts += [zeros.scatter_add(2, batch.candidates, part.to(linked.dtype)) for part in said]
        return parts
