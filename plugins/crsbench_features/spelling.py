"""Names in a text that nobody annotated, misspelt ones too: the nearest by groups of three characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

NEAR = 0.8  # cosine from which a phrase is taken for a name
LONGEST = 8  # words of a phrase
_WORD = re.compile(r"\w[\w'’-]*")
_CAPITAL = r"[A-Z0-9][\w'’-]*(?:(?<=\b\w)\.|(?<=\b\w\w)\.)?"  # J. and Mr. go on, a sentence does not
_RUN = re.compile(rf"{_CAPITAL}(?::?[ ]+(?:(?:of|the|and|a|an|in|to|for|de|la)[ ]+)*{_CAPITAL})+")


class Speller:
    """Looks for names of two words or more where words begin with capitals; `known` maps names to nodes.

    A phrase of a text stands for the name whose vector of character trigrams (TF-IDF, inside of words) has
    the largest cosine with its own, if that is at least `NEAR`; the longest phrase first, from left to right.
    """

    def __init__(self, known: Mapping[str, int]) -> None:
        nodes = {plain(name): node for name, node in known.items() if len(name.split()) > 1}
        self._nodes = np.array(list(nodes.values()), np.int64)
        if nodes:
            self._vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32)
            self._names = self._vectors.fit_transform(list(nodes)).T.tocsr()

    def find(self, text: str, known: Sequence[tuple[int, int]] = ()) -> list[int]:
        """The nodes that the text names outside of the spans `known`, in order of appearance."""
        if not len(self._nodes):
            return []
        hidden = text
        for start, end in known:  # a line break is no part of a run
            hidden = hidden[:start] + "\n" * (end - start) + hidden[end:]
        return [node for run in _RUN.finditer(hidden) for node in self._in(run.group())]

    def _in(self, run: str) -> list[int]:
        words = [match.span() for match in _WORD.finditer(run)]
        phrases = [
            (at, at + length)
            for at in range(len(words))
            for length in range(min(LONGEST, len(words) - at), 1, -1)
        ]
        if not phrases:
            return []
        near = self._nearest([run[words[at][0] : words[end - 1][1]] for at, end in phrases])
        found: list[int] = []
        free = 0
        for (at, end), node in zip(phrases, near, strict=True):
            if node is not None and at >= free:
                found.append(node)
                free = end
        return found

    def _nearest(self, phrases: Sequence[str]) -> list[int | None]:
        cosines = (self._vectors.transform([plain(phrase) for phrase in phrases]) @ self._names).tocsr()
        found: list[int | None] = []
        for start, end in zip(cosines.indptr, cosines.indptr[1:], strict=False):
            best = start + int(cosines.data[start:end].argmax()) if end > start else None
            close = best is not None and cosines.data[best] >= NEAR
            found.append(int(self._nodes[cosines.indices[best]]) if close else None)
        return found


def plain(name: str) -> str:
    """Without accents and capitals."""
    apart = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
