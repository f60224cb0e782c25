"""Dialogues as plain texts, and how alike two of them are."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Split, Turn

SHINGLE = 3  # words
FEWEST = 20  # words of a dialogue below which likeness says nothing
ALIKE = 0.7  # Jaccard similarity of the shingles from which on two dialogues count as near duplicates
BANDS, BAND = 21, 3  # finds pairs of similarity .7 with probability .9998, of .3 with .44
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text, without case and punctuation."""
    return _WORD.findall(text.casefold())


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a dialogue's text: the words of each turn."""

    id: str
    turns: tuple[tuple[str, ...], ...]

    @property
    def length(self) -> int:
        """In words."""
        return sum(map(len, self.turns))

    @property
    def long(self) -> bool:
        """Whether its text can tell it from others."""
        return len(self.turns) > 1 and self.length >= FEWEST

    def prefixes(self) -> list[bytes]:
        """A digest of the first turn, of the first two, … of all."""
        digest = hashlib.blake2b(digest_size=16)
        found: list[bytes] = []
        for turn in self.turns:
            digest.update(" ".join(turn).encode("utf-8", "surrogatepass") + b"\n")
            found.append(digest.digest())
        return found

    def shingles(self) -> NDArray[np.uint64]:
        """Distinct hashes of every run of SHINGLE words."""
        flat = [word for turn in self.turns for word in turn]
        runs = (" ".join(flat[i : i + SHINGLE]) for i in range(max(1, len(flat) - SHINGLE + 1)))
        hashes = {zlib.crc32(run.encode("utf-8", "surrogatepass")) for run in runs}
        return np.fromiter(sorted(hashes), np.uint64, len(hashes))

    def opening(self) -> str:
        """Its first words, for an example."""
        return " ".join(word for turn in self.turns for word in turn)[:60]


def documents(split: Split) -> dict[str, Document]:
    """Dialogue id → its text. Where a split has only rows, the longest history of each dialogue."""
    histories: dict[str, tuple[Turn, ...]] = {one.id: one.turns for one in split.dialogues}
    whole = set(histories)
    for row in split.rows:
        longer = len(row.state.history) >= len(histories.get(row.dialogue, ()))
        if row.dialogue not in whole and longer:
            histories[row.dialogue] = row.state.history
    return {
        name: Document(name, tuple(tuple(words(turn.text)) for turn in turns))
        for name, turns in histories.items()
    }


class Likeness:
    """Finds the near duplicates of a document among others: MinHash bands propose, Jaccard decides.

    Broder 1997; banding as in Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4.
    """

    def __init__(self, others: Mapping[str, Document]) -> None:
        self._shingles = {name: one.shingles() for name, one in others.items() if one.long}
        self._bands: defaultdict[bytes, list[str]] = defaultdict(list)
        for name, shingles in self._shingles.items():
            for band in _signature(shingles):
                self._bands[band].append(name)

    def nearest(self, document: Document, apart_from: Sequence[str] = ()) -> tuple[str, float] | None:
        """The most similar other document (its id, the similarity), where it is similar enough."""
        if not document.long:
            return None
        shingles = document.shingles()
        proposed = {name for band in _signature(shingles) for name in self._bands.get(band, ())}
        alike = ((_jaccard(shingles, self._shingles[name]), name) for name in proposed - set(apart_from))
        similarity, name = max(alike, default=(0.0, ""))
        return (name, similarity) if similarity >= ALIKE else None


_rng = np.random.default_rng(0)
_A = _rng.integers(0, 1 << 64, BANDS * BAND, dtype=np.uint64) | np.uint64(1)
_B = _rng.integers(0, 1 << 64, BANDS * BAND, dtype=np.uint64)


def _signature(shingles: NDArray[np.uint64]) -> list[bytes]:
    """The bands of a MinHash signature, each with its number."""
    # a · h + b modulo 2^64, of which the upper half is a multiply-shift hash (Dietzfelbinger et al. 1997)
    hashed = (shingles[:, None] * _A + _B) >> np.uint64(32)
    least = hashed.min(axis=0).reshape(BANDS, BAND)
    return [bytes([number]) + band.tobytes() for number, band in enumerate(least)]


def _jaccard(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)
