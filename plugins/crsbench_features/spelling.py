"""Names in a text that nobody annotated, misspelt ones too: the nearest by groups of three characters."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

NEAR, FAR = 0.8, 0.4  # cosine from which a phrase is taken for a name; below which it never is
ALIKE = 0.86  # between those: the share of letters in common, in order, from which it is
CLOSEST, SHORTEST = 3, 8  # names that are compared by their letters; letters of a phrase that is
LONGEST = 8  # words of a phrase
_WORD = re.compile(r"\w[\w'’-]*")
_CAPITAL = r"[A-Z0-9][\w'’-]*(?:(?<=\b\w)\.|(?<=\b\w\w)\.)?"  # J. and Mr. go on, a sentence does not
_RUN = re.compile(rf"{_CAPITAL}(?::?[ ]+(?:(?:of|the|and|a|an|in|to|for|de|la)[ ]+)*{_CAPITAL})+")


class Speller:
    """Looks for names of two words or more where words begin with capitals; `known` maps names to nodes.

    A phrase of a text stands for the name whose vector of character trigrams (TF-IDF, inside of words) has
    the largest cosine with its own, if that is at least `NEAR`; else for the first of the `CLOSEST` names
    whose letters are `ALIKE` (Ratcliff and Obershelp's share, Dr. Dobb's Journal 1988: difflib). The longest
    phrase counts first, from left to right.
    """

    def __init__(self, known: Mapping[str, int]) -> None:
        nodes = {plain(name): node for name, node in known.items() if len(name.split()) > 1}
        self._nodes = np.array(list(nodes.values()), np.int64)
        if nodes:
            self._vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32)
            self._names = list(nodes)
            self._of_names = self._vectors.fit_transform(self._names).T.tocsr()

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
        phrases = [plain(phrase) for phrase in phrases]
        cosines = (self._vectors.transform(phrases) @ self._of_names).tocsr()
        found: list[int | None] = []
        for phrase, start, end in zip(phrases, cosines.indptr, cosines.indptr[1:], strict=False):
            closest = start + np.argsort(-cosines.data[start:end], kind="stable")[:CLOSEST]
            names = (
                name
                for name, cosine in zip(cosines.indices[closest], cosines.data[closest], strict=True)
                if cosine >= NEAR
                or (cosine >= FAR and len(phrase) >= SHORTEST and _alike(phrase, self._names[name]))
            )
            name = next(names, None)
            found.append(None if name is None else int(self._nodes[name]))
        return found


def plain(name: str) -> str:
    """Without accents and capitals."""
    apart = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


@functools.lru_cache(maxsize=1 << 16)
def _alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE
