"""coherence_lsa: does the response speak of what was spoken of? By latent semantic analysis, offline.

Cosine in the space of Deerwester et al., JASIS 1990: TF-IDF of the train dialogues' turns, reduced by a
truncated singular value decomposition. English function words are left out: with them any two replies look
alike. On OpenDialKG's valid rows it tells the logged reply from another row's with an AUC of .84 (.65 with
function words and 50 dimensions). It rewards repeating the user's words: read it beside other measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, Evidence, RankedRow, Values
from crsbench_metrics.options import LsaOptions


class Space:
    """Texts as unit vectors; a text without a known word is the zero vector.

    Fewer dimensions than asked for where the texts or their words are fewer.
    """

    def __init__(self, texts: Sequence[str], dimensions: int) -> None:
        self._tfidf = TfidfVectorizer(stop_words="english")
        counts = self._tfidf.fit_transform(texts)
        # a fixed random state: the space belongs to the corpus, not to the run's seed
        self._svd = TruncatedSVD(min(dimensions, *counts.shape), random_state=0).fit(counts)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """[N, D]."""
        vectors = self._svd.transform(self._tfidf.transform(texts))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 1e-12)


class CoherenceLsa:
    """Cosine in [-1, 1] of a row's response and the last turns before it. Unit row, subset all.

    It is absent where a policy does not talk. Silence in one row of a policy that talks, or words that
    train never had, are worth 0.
    """

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "texts"
    name: ClassVar[str] = "coherence_lsa"

    def __init__(self, options: Options | None = None) -> None:
        self.options = options if isinstance(options, LsaOptions) else LsaOptions()
        self._fitted: tuple[Corpus, Space] | None = None

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        rows = cast("Sequence[RankedRow]", judged)
        if not rows or not corpus.train.dialogues:
            return [Absent(self.name, f"there are no {'train dialogues' if rows else 'rows'}")]
        if all(row.action.text is None for row in rows):
            return [Absent(self.name, "the policy does not talk")]
        contexts = [
            "\n".join(turn.text for turn in row.row.state.history[-self.options.turns :]) for row in rows
        ]
        space = self._space(corpus)
        values = np.sum(space(contexts) * space([row.action.text or "" for row in rows]), axis=1)
        ids, groups = tuple(row.row.id for row in rows), tuple(row.row.dialogue for row in rows)
        return [Values(self.name, "all", "row", ids, groups, tuple(values.tolist()))]

    def evidence(self, data_dir: Path) -> list[Evidence | Absent]:
        """On ReDial's test dialogues, as of `coherence`: what a learnt measure is worth can be seen."""
        from crsbench_metrics.coherence_evidence import redial

        return [*redial(self, data_dir)]

    def _space(self, corpus: Corpus) -> Space:
        """Fitted once a corpus: the stages of a run share it."""
        if self._fitted is None or self._fitted[0] is not corpus:
            texts = [turn.text for dialogue in corpus.train.dialogues for turn in dialogue.turns]
            self._fitted = corpus, Space(texts, self.options.dimensions)
        return self._fitted[1]
