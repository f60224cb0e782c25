"""How many bits a text costs under a language model that is fitted once and never changes.

An n-gram model of bytes, interpolated after Witten & Bell (IEEE Transactions on Information Theory 1991):
with c the counts after a context h, T(h) the number of different bytes that follow it, and h' the context
without its first byte,

    p(b | h) = (c(h b) + T(h) p(b | h')) / (c(h) + T(h)),   p(b) from counts and 1/256.

Bytes and not words: policies with different vocabularies are held to the same measure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ORDER = 6
START, END = 2, 3  # bytes that no text has

Ints = NDArray[np.uint64]


class ByteScorer:
    """Fitted on texts. Each begins after ORDER − 1 marks that do not count, and ends with one that does."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._tables = [_counts(grams) for grams in _grams(texts)[0]]

    def bits(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Bits of each text, and how many bytes it has, both with its end: [N], [N]."""
        grams, owner = _grams(texts)
        probability = np.full(len(owner), 1 / 256)
        for of_order, (known, counts, contexts, totals, kinds) in zip(grams, self._tables, strict=True):
            count = _looked_up(known, counts, of_order)
            total, kind = (
                _looked_up(contexts, values, of_order >> np.uint64(8)) for values in (totals, kinds)
            )
            weight = total + kind
            seen = weight > 0
            probability[seen] = (count + kind * probability)[seen] / weight[seen]
        sizes = np.bincount(owner, minlength=len(texts))
        bits = np.bincount(owner, weights=-np.log2(probability), minlength=len(texts))
        return bits.astype(np.float64), sizes.astype(np.int64)


def _grams(texts: Sequence[str]) -> tuple[list[Ints], NDArray[np.int64]]:
    """For orders 1 … ORDER each byte with those before it as one number, and the text that the byte is of."""
    edge = bytes([START] * (ORDER - 1))
    parts = [text.encode() for text in texts]
    joined = np.frombuffer(b"".join(edge + part + bytes([END]) for part in parts), np.uint8).astype(np.uint64)
    sizes = np.array([len(part) + 1 for part in parts], np.int64)
    starts = np.cumsum(sizes + ORDER - 1) - sizes
    owner = np.repeat(np.arange(len(parts)), sizes)
    at = np.arange(sizes.sum()) + np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)
    grams = [joined[at]]
    for back in range(1, ORDER):
        grams.append(grams[-1] | (joined[at - back] << np.uint64(8 * back)))
    return grams, owner


def _counts(grams: Ints) -> tuple[NDArray[np.generic], ...]:
    """Grams and their counts; contexts, how often they occur, and how many different bytes follow them."""
    known, counts = np.unique(grams, return_counts=True)
    contexts, first, kinds = np.unique(known >> np.uint64(8), return_index=True, return_counts=True)
    return known, counts, contexts, np.add.reduceat(counts, first), kinds


def _looked_up(keys: NDArray[np.generic], values: NDArray[np.generic], wanted: Ints) -> NDArray[np.float64]:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0).astype(np.float64)
