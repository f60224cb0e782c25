"""What counting says of the items of the catalogue in a state: the features that the language model weighs.

The features are those of `crsbench_features.candidates`, which `hybrid` learns from, too: what the
conversation itself says, what is remembered (without the own fold, while training: folds.py), and
what is known of the state alone. The `CANDIDATES` items that deserve a closer look have them; every other
item has none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from crsbench_features.candidates import BATCH, Candidates
from crsbench_features.connections import GUESSED, HAS, LIKE, group_of
from crsbench_features.examples import examples
from crsbench_features.rankers import Labelled, Rankers
from crsbench_features.sentences import OF_RIDGE, Sentences
from numpy.typing import NDArray

from crsbench.types import Catalog, Dialogue, State
from crsbench_lm.options import HeadOptions

CANDIDATES = 300
SAMPLE = 300  # remembered rows, about, by which features are scaled
KEPT = 2000  # states whose evidence is remembered: a rollout reads each one several times
LINKS = {HAS, LIKE}
COPIES = {group_of("copy"), group_of("title")}
ALIKE = ("sentences", "dialogue-sentences", *OF_RIDGE)  # what the sentence encoder makes of memory


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one state: `items` int32 [C] in catalogue order, `features` float16 [C, F], 0 ≤ f ≤ 65,504.

    `ranked` float32 [C], ≥ 0: what trees make of them (rankers.py).
    """

    items: NDArray[np.int32]
    features: NDArray[np.float16]
    ranked: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recommended:
    """A recommendation: the evidence where it was made, its items, the fold left out (None: none is)."""

    evidence: Evidence
    targets: tuple[int, ...]
    fold: int | None

    @property
    def labelled(self) -> Labelled:
        return Labelled(self.evidence.features, np.isin(self.evidence.items, self.targets), self.fold)


class Evidences:
    """Learnt by `fit` from the dialogues that are remembered (remembered.py); `of` answers for any state.

    `names` are those of the features, F of them (None: all). `scale` [F] is the mean of the positive values
    of each there, 1 where it has none. `rankers` are asked what they make of them (at first: nothing).
    """

    def __init__(self, candidates: Candidates, names: Collection[str] | None = None) -> None:
        self.candidates = candidates
        self.names = tuple(name for name in candidates.names if names is None or name in names)
        self._columns = [candidates.names.index(name) for name in self.names]
        self.scale = np.ones(len(self.names), np.float32)
        self.rankers = Rankers(self.names)
        self._known: OrderedDict[tuple[State, int | None], Evidence] = OrderedDict()

    @classmethod
    def fit(
        cls,
        known: Sequence[Dialogue],
        catalog: Catalog,
        parts: HeadOptions | None = None,
        by_row: bool = False,
    ) -> Self:
        """With the features of those `parts` that are on."""
        encoder = parts is not None and parts.encoder
        found = cls(Candidates.fit(known, catalog, CANDIDATES, encoder, by_row))
        if parts is not None:
            found = cls(found.candidates, [name for name in found.names if found._belongs(name, parts)])
        rows = list(examples(known, by_row))
        some = rows[:: max(1, len(rows) // SAMPLE)]
        sample = found.of([row.state for row in some], [row.fold for row in some])
        if sample:
            features = np.concatenate([one.features for one in sample]).astype(np.float64)
            positive = (features > 0).sum(axis=0)
            found.scale[positive > 0] = (features.sum(axis=0) / np.maximum(positive, 1))[positive > 0]
        return found

    def _belongs(self, name: str, parts: HeadOptions) -> bool:
        group = group_of(name)
        return (
            (parts.memory or name.removeprefix(GUESSED) not in (*self.candidates.memory.names, *ALIKE))
            and (parts.links or (group not in LINKS and name != "ridge:like"))
            and (parts.copies or group not in COPIES)
        )

    def of(self, states: Sequence[State], folds: Sequence[int | None]) -> list[Evidence]:
        """The evidence in each state, without what its fold says (None: what all folds say)."""
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
        found = self.candidates.find(states, fold)
        kept = found.features[:, :, self._columns]
        ranked = self.rankers.scores(kept, fold)
        return [Evidence(*one) for one in zip(found.items, kept, ranked, strict=True)]

    def ask(self, rankers: Rankers) -> None:
        """From now on these rankers say what they make of the evidence."""
        self.rankers = rankers
        self._known.clear()

    def again(self, one: Evidence, fold: int | None) -> Evidence:
        """The same evidence, as the rankers judge it now."""
        return replace(one, ranked=self.rankers.scores(one.features[None], fold)[0])

    def save(self, directory: Path) -> None:
        """Write what the candidates are found and ranked by."""
        directory.mkdir(parents=True, exist_ok=True)
        self.candidates.save(directory)
        self.rankers.save(directory)

    @classmethod
    def load(cls, directory: Path, names: Collection[str]) -> Self:
        encoder = not set(Sentences.names).isdisjoint(names)
        found = cls(Candidates.load(directory, CANDIDATES, encoder), names)
        found.rankers = Rankers.load(directory, found.names)
        return found
