"""Pairs of items that are named in one dialogue, counted."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crsbench_features.reading import Rows


class Pairs:
    """n_ij: the dialogues, of D, that name both items; n_i: those that name the one.

    A few are added to n_i and n_j, so that what was seen once or twice is not taken for the rule.
    """

    def __init__(self, named: Rows) -> None:
        """`named` [D, I]: 1 where a dialogue names an item."""
        both = (named.T @ named).tocoo()
        apart = both.row != both.col
        self._counts = np.bincount(named.indices, minlength=named.shape[1]).astype(np.float32)
        self._both = both.data[apart].astype(np.float32)
        self._at = both.row[apart], both.col[apart]
        self._dialogues = named.shape[0]

    def together(self, mentioned: Rows) -> NDArray[np.float32]:
        """[S, I] weights of what states mention → [S, I]: Σ n_ij / √((n_i + 5)(n_j + 5))."""
        return (mentioned @ self._cosine).toarray()

    def alike(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `together`, for weights that are hardly ever 0."""
        return (self._cosine @ weights.T).T  # (it is symmetric)

    def lift(self, mentioned: Rows) -> NDArray[np.float32]:
        """[S, I] → [S, I]: Σ ln(1 + D n_ij / ((n_i + 3)(n_j + 10))), i mentioned, j the item."""
        return (mentioned @ self._surprise).toarray()

    @cached_property
    def _cosine(self) -> Rows:
        one, other = (self._counts[at] + 5 for at in self._at)
        return self._matrix(self._both / np.sqrt(one * other))

    @cached_property
    def _surprise(self) -> Rows:
        one, other = (self._counts[at] for at in self._at)
        return self._matrix(np.log1p(self._dialogues * self._both / ((one + 3) * (other + 10))))

    def _matrix(self, values: NDArray[np.float32]) -> Rows:
        return Rows(sparse.csr_array((values, self._at), shape=(len(self._counts),) * 2))
