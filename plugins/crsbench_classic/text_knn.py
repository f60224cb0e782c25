"""`text-knn`: what was recommended in train after texts like this one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from crsbench_features.storage import pack, unpack
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from crsbench.errors import DataError
from crsbench.types import Split, State, Turn
from crsbench_classic.base import Baseline, popularity, recommendations
from crsbench_classic.options import TextKnnOptions

if TYPE_CHECKING:
    from crsbench.protocols import Context

BATCH = 256  # states at once: keeps the sparse similarities of a long list of states small


class TextKnn(Baseline):
    """Neighbours vote: score(i) = Σ_n cos(q, x_n)^power · [n recommends i].

    q and x_n are TF-IDF vectors (1–2-grams, unit length) of the last three turns of the state and of each
    train context that a recommendation follows. Equal scores, and so all items without a vote, stand by
    their popularity in train, then in catalogue order.
    """

    options: TextKnnOptions

    def __init__(self, options: TextKnnOptions | None = None) -> None:
        super().__init__(options or TextKnnOptions())

    def learn(self, train: Split, ctx: Context) -> None:
        examples = list(recommendations(train))
        if not examples:
            raise DataError("text-knn has nothing to learn from: train labels no recommendation")
        self.counts = popularity(train, len(ctx.catalog))
        self.vectorizer = self._vectorizer()
        # [N, V]: the contexts; [N, I]: what was recommended after each
        self.contexts = csr_array(self.vectorizer.fit_transform([self._text(turns) for turns, _ in examples]))
        row = np.repeat(np.arange(len(examples)), [len(items) for _, items in examples])
        column = np.concatenate([np.array(items) for _, items in examples])
        shape = (len(examples), len(ctx.catalog))
        self.labels = csr_array((np.ones(len(row)), (row, column)), shape=shape)

    def scores(self, states: Sequence[State]) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(states), BATCH):
            texts = [self._text(state.history) for state in states[start : start + BATCH]]
            weights = csr_array(self.vectorizer.transform(texts)) @ self.contexts.T  # [B, N]
            weights.data **= self.options.power
            votes = csr_array(weights @ self.labels)  # [B, I]
            for i in range(len(texts)):
                yield votes[[i]].toarray()[0].astype(np.float32)

    def ties(self) -> NDArray[np.int64]:
        return np.argsort(-self.counts, kind="stable")

    def save(self, directory: Path) -> None:
        vocabulary: dict[str, Any] = self.vectorizer.vocabulary_
        terms = sorted(vocabulary, key=vocabulary.__getitem__)
        (directory / "terms.json").write_text(json.dumps(terms, ensure_ascii=False), encoding="utf-8")
        arrays = {"counts": self.counts, "idf": np.asarray(self.vectorizer.idf_)}
        arrays |= pack("contexts", self.contexts) | pack("labels", self.labels)
        save_file(arrays, directory / "memory.safetensors")

    def load(self, directory: Path, device: str = "cpu") -> Self:  # noqa: ARG002 (scipy only)
        terms = json.loads((directory / "terms.json").read_text(encoding="utf-8"))
        arrays = load_file(directory / "memory.safetensors")
        self.counts = arrays["counts"]
        self.vectorizer = self._vectorizer({term: i for i, term in enumerate(terms)})
        self.vectorizer.idf_ = arrays["idf"]
        self.contexts = unpack(arrays, "contexts", len(terms))
        self.labels = unpack(arrays, "labels", len(self.counts))
        return self

    def _vectorizer(self, vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
        return TfidfVectorizer(ngram_range=(1, self.options.ngrams), vocabulary=vocabulary)

    def _text(self, turns: Sequence[Turn]) -> str:
        return "\n".join(turn.text for turn in turns[-self.options.turns :])
