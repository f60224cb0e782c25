"""Why the grounded language model ranks an item where it does: its logit as a sum of reasons.

The parts of the logit (model.py) are found by leaving them out, one by one:

- the language model's own, h · e + b: what is left without any grounding;
- each mention's link and copy: they add up, so each is what it adds alone;
- the evidence, whose network does not add up: it is divided among `GROUPS` of features by their Shapley
  values (Shapley 1953), a group's mean effect over all orders in which groups come to be known. A group that
  is not known is 0 for this item, while the other candidates keep theirs. What trees (rankers.py) make of the
  same features joins it, by the Shapley values of trees. What is said of an item of which nothing is known
  is a reason of its own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from crsbench_features.connections import HAS, LIKE, Connections, group_of
from torch import Tensor

from crsbench.types import Mention, Reason, State
from crsbench_lm.batch import Batch, collate
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.decode import opened
from crsbench_lm.generation import device_of
from crsbench_lm.model import RANKED, GroundedLM

OWN = "how the conversation reads to the language model"
CANDIDATE = "one of the items that counting considers here"
LEAST = 1e-9  # what adds less than this is not told


@torch.no_grad()
def explain(
    model: GroundedLM, codec: DialogueCodec, states: Sequence[State], items: Sequence[int]
) -> list[list[Reason]]:
    """The reasons for items[s] in states[s]; their shares, in nats, sum to the item's logit."""
    connections = Connections(codec.catalog)
    wanted: dict[State, list[int]] = {}
    for state, item in zip(states, items, strict=True):
        wanted.setdefault(state, []).append(item)
    found: dict[tuple[State, int], list[Reason]] = {}
    for state, of_state in wanted.items():
        read = _Read(model, codec, connections, state)
        found |= {(state, item): read.reasons(item) for item in of_state}
    return [found[pair] for pair in zip(states, items, strict=True)]


class _Read:
    """One state, read once."""

    def __init__(
        self, model: GroundedLM, codec: DialogueCodec, connections: Connections, state: State
    ) -> None:
        self.model, self.codec, self.connections = model, codec, connections
        (self.row,) = opened(codec, [state])
        self.batch = collate([self.row], codec, device_of(model))
        self.hidden = model.hidden(self.batch)
        self.logits = model.item_logits(self.hidden, self.batch)[0, 0]
        self.grounding = model.grounding(self.hidden, self.batch)[0, 0]
        blind = torch.zeros_like(self.batch.visible)
        self.counted = self._grounded(1, visible=blind)[0]
        self.seen = self.batch.visible[0, 0].nonzero()[:, 0].tolist()
        alone = torch.zeros(len(self.seen), *self.batch.visible.shape[1:], dtype=torch.bool)
        alone[range(len(self.seen)), :, self.seen] = True
        by_mention = self._grounded(len(self.seen), visible=alone.to(blind.device))
        self.mentioned = by_mention - self.counted

    def _grounded(self, n: int, **changed: Tensor) -> Tensor:
        """[n, I]: the grounding of n copies of the state, some of what it reads being changed."""
        fields = {f.name: getattr(self.batch, f.name) for f in dataclasses.fields(Batch)}
        copied = {
            name: value.expand(n, *value.shape[1:])
            for name, value in fields.items()
            if isinstance(value, Tensor)
        }
        batch = dataclasses.replace(self.batch, **{**copied, **changed})
        return self.model.grounding(self.hidden.expand(n, *self.hidden.shape[1:]), batch)[:, 0]

    def reasons(self, item: int) -> list[Reason]:
        own = float(self.logits[item] - self.grounding[item])
        found = [Reason(OWN, own), *self._mentions(item), *self._evidence(item)]
        told = [reason for reason in found if abs(reason.share) > LEAST]
        return sorted(told, key=lambda reason: -abs(reason.share))

    def _mentions(self, item: int) -> Iterator[Reason]:
        for m, share in zip(self.seen, self.mentioned[:, item].tolist(), strict=True):
            mention = _mention(self.codec, self.row, m)
            text = self.connections.told(mention, item)
            yield Reason(text, share, mention, int(self.row.mention_turns[m]))

    def _connected(self, item: int) -> dict[str, list[str]]:
        """What was named that the item has or is like, for the groups that are about it."""
        seen = (_mention(self.codec, self.row, m) for m in self.seen)
        told = dict.fromkeys(m for m in seen if m.item != item and self.connections.told(m, item))
        return {
            HAS: [mention.name for mention in told if mention.item is None],
            LIKE: [mention.name for mention in told if mention.item is not None],
        }

    def _evidence(self, item: int) -> Iterator[Reason]:
        """The Shapley values of the groups of features, and what there is without any."""
        evidences, candidates = self.codec.evidences, self.batch.candidates[0, 0]
        if evidences is None or not (candidates == item).any():
            return
        groups = dict.fromkeys(map(group_of, evidences.names))
        member = torch.tensor([[group_of(name) == group for name in evidences.names] for group in groups])
        features = self.batch.evidence[0, 0]  # [C, F]
        subsets = _subsets(len(groups))  # [2^G, G]
        known = (subsets.float() @ member.float()).to(features)  # [2^G, F]
        # One more candidate has the largest values of all, so that shares of them stay what they are.
        pair = torch.stack([features[candidates == item] * known, features.amax(0).expand_as(known)], 1)
        other = (item + 1) % self.model.items
        values = self._grounded(
            len(subsets),
            visible=torch.zeros_like(self.batch.visible).expand(len(subsets), -1, -1),
            candidates=torch.tensor([item, other]).to(candidates).expand(len(subsets), 1, 2),
            evidence=pair[:, None],
            ranked=self.batch.ranked.new_zeros(len(subsets), 1, 2),
        )[:, item].double()
        (at,) = (candidates == item).nonzero()[:, 0].tolist()
        weight = float(self.model.mix[RANKED])
        by_trees = weight * evidences.rankers.contributions(features.cpu().numpy(), at)
        names = self._connected(item)
        shares = np.array(_shapley(subsets, values.cpu())) + member.double().numpy() @ by_trees
        for group, share in zip(groups, shares.tolist(), strict=True):
            about = ", ".join(names.get(group, ()))
            yield Reason(f"{group}: {about}" if about else group, share)
        ranked = weight * float(self.batch.ranked[0, 0, at])
        yield Reason(CANDIDATE, float(values[0]) + ranked - float(by_trees.sum()))


def _mention(codec: DialogueCodec, row: Encoded, m: int) -> Mention:
    node = int(row.nodes[m])
    if node < len(codec.catalog):
        return Mention(codec.catalog.items[node].title, node)
    return Mention(codec.links.entities[node - len(codec.catalog)])


def _subsets(n: int) -> Tensor:
    """bool [2^n, n], the empty one first."""
    return torch.from_numpy((np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1)


def _shapley(subsets: Tensor, values: Tensor) -> list[float]:
    """values [2^n] of the subsets → the Shapley values [n]; they sum to values[-1] - values[0]."""
    n = subsets.shape[1]
    sizes = subsets.sum(1)
    order = torch.arange(len(subsets))
    shares: list[float] = []
    for g in range(n):
        without = ~subsets[:, g]
        weight = torch.tensor([1 / (n * math.comb(n - 1, int(size))) for size in sizes[without]]).double()
        gain = values[order[without] + 2**g] - values[without]
        shares.append(float((weight * gain).sum()))
    return shares
