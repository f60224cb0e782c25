"""BM25: score(i) = Σ_w idf(w) · tf(w, i)(k₁ + 1) / (tf(w, i) + k₁(1 − b + b|i|/mean)) (Robertson 2009)."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crsbench import Options
from crsbench.protocols import Context, Need, Policy, Want
from crsbench.types import Action, Split, State, Turn


class Bm25Options(Options):
    k1: float = Field(default=1.2, gt=0, le=10, description="how soon a repeated word stops counting")
    b: float = Field(default=0.75, ge=0, le=1, description="how far long documents are held back")


def words(turns: Sequence[Turn]) -> list[str]:
    return re.findall(r"\w+", " ".join(turn.text for turn in turns).lower())


class Bm25:
    needs: ClassVar[frozenset[Need]] = frozenset()

    def __init__(self, options: Bm25Options) -> None:
        self.options = options
        self.documents: list[Counter[str]] = []

    def fit(self, train: Split, ctx: Context) -> Self:
        self.documents = [Counter(words([Turn("user", item.title)])) for item in ctx.catalog.items]
        for dialogue in train.dialogues:
            for at, turn in enumerate(dialogue.turns):
                for item in turn.recommended:
                    self.documents[item].update(words(dialogue.turns[:at]))
        return self

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        found = Counter(word for document in self.documents for word in document)
        sizes = [sum(document.values()) for document in self.documents]
        mean, n = max(1.0, sum(sizes) / len(sizes)), len(sizes)
        actions: list[Action] = []
        for s, state in enumerate(states):
            scores = np.zeros(n, np.float64)
            for word in words(state.history):
                idf = math.log(1 + (n - found[word] + 0.5) / (found[word] + 0.5))
                for i, document in enumerate(self.documents):
                    if tf := document[word]:
                        held = 1 - self.options.b + self.options.b * sizes[i] / mean
                        scores[i] += idf * tf * (self.options.k1 + 1) / (tf + self.options.k1 * held)
            order = [int(i) for i in np.argsort(-scores, kind="stable") if mask is None or mask[s, i]][:k]
            actions.append(Action(tuple(order), tuple(float(scores[i]) for i in order)))
        return actions

    def stages(self) -> Mapping[str, Policy]:
        return {"final": self}

    def save(self, directory: Path) -> None:
        (directory / "documents.json").write_text(json.dumps(self.documents, ensure_ascii=False), "utf-8")

    def load(self, directory: Path, device: str = "cpu") -> Self:
        documents = json.loads((directory / "documents.json").read_text("utf-8"))
        self.documents = [Counter(document) for document in documents]
        return self
