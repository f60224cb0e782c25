"""What counting says of the items of the catalogue in a state: the features that the language model weighs.

The features are those of `crsbench_features`: what the conversation itself says (grounding.py) and what other
dialogues of train say (memory.py, out of the own fold while training). They are computed for the whole
catalogue, and kept for the `CANDIDATES` items that their fusion (fusion.py) ranks first, ties in catalogue
order. Every other item has none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from crsbench_features.connections import HAS, LIKE, group_of
from crsbench_features.examples import examples
from crsbench_features.fusion import SOURCES, fused
from crsbench_features.grounding import Grounding
from crsbench_features.memory import Memory
from numpy.typing import NDArray

from crsbench.types import Catalog, Dialogue, State
from crsbench_lm.options import HeadOptions

CANDIDATES = 300
BATCH = 64  # states whose features for the whole catalogue are held at once
SAMPLE = 300  # train rows, about, by which features are scaled
KEPT = 2000  # states whose evidence is remembered: a rollout reads each one several times
LINKS = {HAS, LIKE}
COPIES = {group_of("copy"), group_of("title")}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one state: `items` int32 [C] in catalogue order, `features` float16 [C, F], 0 ≤ f ≤ 65,504."""

    items: NDArray[np.int32]
    features: NDArray[np.float16]


class Evidences:
    """Learnt by `fit` from the dialogues of train; `of` answers for any state.

    `names` are those of the features, F of them (None: all). `scale` [F] is the mean of the positive values
    of each in train, 1 where it has none.
    """

    def __init__(self, memory: Memory, names: Collection[str] | None = None) -> None:
        self.memory = memory
        self._grounding = Grounding(memory.reader)
        found = (*memory.names, *self._grounding.names)
        self.names = tuple(name for name in found if names is None or name in names)
        self._columns = [found.index(name) for name in self.names]
        self._sources = [found.index(name) for name in SOURCES if name in self.names]
        self.scale = np.ones(len(self.names), np.float32)
        self._known: OrderedDict[tuple[State, int | None], Evidence] = OrderedDict()

    @classmethod
    def fit(cls, train: Sequence[Dialogue], catalog: Catalog, parts: HeadOptions | None = None) -> Self:
        """With the features of those `parts` that are on."""
        found = cls(Memory.fit(train, catalog))
        if parts is not None:
            found = cls(found.memory, [name for name in found.names if found._belongs(name, parts)])
        rows = list(examples(train))
        some = rows[:: max(1, len(rows) // SAMPLE)]
        known = found.of([row.state for row in some], [row.fold for row in some])
        if known:
            features = np.concatenate([one.features for one in known]).astype(np.float64)
            positive = (features > 0).sum(axis=0)
            found.scale[positive > 0] = (features.sum(axis=0) / np.maximum(positive, 1))[positive > 0]
        return found

    def _belongs(self, name: str, parts: HeadOptions) -> bool:
        group = group_of(name)
        return (
            (parts.memory or name not in self.memory.names)
            and (parts.links or group not in LINKS)
            and (parts.copies or group not in COPIES)
        )

    def of(self, states: Sequence[State], folds: Sequence[int | None]) -> list[Evidence]:
        """The evidence in each state, without what its fold says (None: what all of train says)."""
        keys = list(zip(states, folds, strict=True))
        new = [key for key in dict.fromkeys(keys) if key not in self._known]
        found: dict[tuple[State, int | None], Evidence] = {}
        for fold in dict.fromkeys(folds):
            here = [key for key in new if key[1] == fold]
            for start in range(0, len(here), BATCH):
                part = here[start : start + BATCH]
                found |= dict(zip(part, self._read([state for state, _ in part], fold), strict=True))
        answers = [found[key] if key in found else self._known[key] for key in keys]
        self._known |= found
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return answers

    def _read(self, states: Sequence[State], fold: int | None) -> list[Evidence]:
        features = np.concatenate(
            [self.memory.features(states, fold), self._grounding.features(states)], axis=1
        )
        items = features.shape[2]
        if items > CANDIDATES:
            score = fused((features[:, f] for f in self._sources), (len(states), items))
            best = np.sort(np.argsort(-score, axis=1, kind="stable")[:, :CANDIDATES], axis=1)
        else:
            best = np.tile(np.arange(items), (len(states), 1))
        kept = np.take_along_axis(features, best[:, None], axis=2)[:, self._columns].transpose(0, 2, 1)
        kept = np.minimum(kept, np.finfo(np.float16).max).astype(np.float16)
        return [Evidence(best[s].astype(np.int32), kept[s]) for s in range(len(states))]

    def save(self, directory: Path) -> None:
        """Write what the memory remembers."""
        directory.mkdir(parents=True, exist_ok=True)
        self.memory.save(directory)

    @classmethod
    def load(cls, directory: Path, names: Collection[str]) -> Self:
        return cls(Memory.load(directory), names)
