"""Kernel ridge regression: what a dialogue recommends, from all that is said and named in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from crsbench_features.neighbours import idf, weighted
from crsbench_features.reading import Rows

PENALTY = 2.0  # λ: what is said and what is named are worth 1 each on the diagonal of K
LARGEST = 5000  # dialogues: inverting takes their third power (4,109: about 3 s of CPU), storing their square


class Ridge:
    """Scores(q) = q Xᵀ (K + λI)⁻¹ Y, K = XXᵀ (Saunders et al., ICML 1998).

    X: of D dialogues what is said in them, `terms` [D, V], and named, `nodes` [D, N], both by idf and scaled
    to length 1. Y: what they recommend, `labels` [D, I]. Unlike votes (neighbours.py) it counts what many
    dialogues alike have in common only once. Of more than `LARGEST` dialogues as many, evenly drawn.
    """

    def __init__(self, terms: Rows, nodes: Rows, labels: Rows) -> None:
        D = terms.shape[0]
        kept = np.linspace(0, D - 1, min(D, LARGEST)).astype(int)
        self._weights = idf(terms), idf(nodes)
        X = self._read(terms[kept], nodes[kept])
        gram = (X @ X.T).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += PENALTY
        self._inverse = linalg.cho_solve(linalg.cho_factor(gram), np.eye(len(gram), dtype=np.float32))
        self._transposed, self._labels = Rows(X.T), Rows(labels[kept].T)

    def _read(self, terms: Rows, nodes: Rows) -> Rows:
        """[S, V + N]"""
        of_terms, of_nodes = self._weights
        return Rows(sparse.hstack([weighted(terms, of_terms), weighted(nodes, of_nodes)]))

    def scores(self, terms: Rows, nodes: Rows) -> NDArray[np.float32]:
        """What S states say [S, V] and name [S, N] → [S, I]."""
        near = (self._read(terms, nodes) @ self._transposed).toarray() @ self._inverse  # [S, D]
        return (self._labels @ near.T).T
