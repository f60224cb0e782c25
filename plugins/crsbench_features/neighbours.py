"""Neighbours vote for what was recommended to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crsbench_features.reading import Rows


def idf(counts: Rows) -> NDArray[np.float32]:
    """[V]: ln((1 + N) / (1 + df)) + 1 over N rows, as scikit-learn smooths it; 0 where df = 0."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    return ((np.log((1 + counts.shape[0]) / (1 + df)) + 1) * (df > 0)).astype(np.float32)


def unit(weights: Rows) -> Rows:
    """The rows scaled to length 1; empty ones stay empty."""
    squares = np.asarray(weights.multiply(weights).sum(axis=1)).ravel()
    scale = 1 / np.sqrt(np.maximum(squares, 1e-12))
    return Rows(sparse.diags_array(scale.astype(np.float32)) @ weights)


def weighted(counts: Rows, weight: NDArray[np.float32]) -> Rows:
    """Rows of length 1 whose columns are weighted."""
    return unit(Rows(counts @ sparse.diags_array(weight)))


class Voters:
    """N train rows with what was recommended after each.

    score(i) = ln(1 + Σ_n cos(q, x_n)^power · [n recommends i]), q and x_n weighted by idf.
    """

    def __init__(self, counts: Rows, labels: Rows, weight: NDArray[np.float32], power: float) -> None:
        self._weight, self._power, self._labels = weight, power, labels
        self._transposed = Rows(weighted(counts, weight).T)

    def votes(self, counts: Rows) -> NDArray[np.float32]:
        """[S, columns of the rows] → [S, I]."""
        near = Rows(weighted(counts, self._weight) @ self._transposed)
        near.data **= self._power
        return np.log1p((near @ self._labels).toarray())
