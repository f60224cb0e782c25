"""EASE (Steck, WWW 2019): a closed-form linear model of items that stand in one dialogue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from crsbench_features.reading import Rows

LARGEST = 4096  # items: inverting takes their third power (4,096: about 3 s of CPU), storing their square


class Ease:
    """B = I − P / diag(P), P = (XᵀX + λI)⁻¹, over the items that stand in at least two rows of X.

    Of more than `LARGEST` such items the most frequent. X: [D, I], 1 where a dialogue names an item.
    """

    def __init__(self, named: Rows, ridge: float) -> None:
        counts = np.bincount(named.indices, minlength=named.shape[1])
        order = np.argsort(-counts, kind="stable")[:LARGEST]
        self.kept = np.sort(order[counts[order] >= 2])
        kept = named[:, self.kept]
        gram = (kept.T @ kept).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += ridge
        inverse = linalg.cho_solve(linalg.cho_factor(gram), np.eye(len(gram), dtype=np.float32))
        self.weights = -inverse / np.diag(inverse) if len(gram) else gram  # [kept, kept], column = target
        self.weights[np.diag_indices_from(gram)] = 0

    def scores(self, named: Rows) -> NDArray[np.float32]:
        """[S, I] weights of what a state names → [S, I]; 0 for items that are not kept."""
        scores = np.zeros(named.shape, np.float32)
        scores[:, self.kept] = named[:, self.kept] @ self.weights
        return scores
