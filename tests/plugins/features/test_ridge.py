"""Kernel ridge regression, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from crsbench_features import ridge
from crsbench_features.reading import Rows
from crsbench_features.ridge import PENALTY, Ridge
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.kernel_ridge import KernelRidge


def counts(rng: np.random.Generator, rows: int, columns: int) -> Rows:
    return Rows(rng.poisson(0.7, (rows, columns)).astype(np.float32))


def test_it_is_kernel_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    terms, nodes, labels = counts(rng, 30, 12), counts(rng, 30, 8), counts(rng, 30, 5)
    new = counts(rng, 4, 12), counts(rng, 4, 8)
    parts = [TfidfTransformer().fit(of) for of in (terms, nodes)]
    read = [
        np.hstack([part.transform(of).toarray() for part, of in zip(parts, both, strict=True)])
        for both in ((terms, nodes), new)
    ]
    expected = KernelRidge(alpha=PENALTY).fit(read[0], labels.toarray()).predict(read[1])
    np.testing.assert_allclose(Ridge(terms, nodes, labels).scores(*new), expected, atol=1e-5)


def test_of_many_dialogues_some_are_evenly_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge, "LARGEST", 3)
    one = Rows(np.eye(9, dtype=np.float32))
    found = Ridge(one, one, one).scores(one, one)
    assert np.flatnonzero(found.any(axis=0)).tolist() == [0, 4, 8]


def test_without_dialogues_there_is_nothing_to_say() -> None:
    none = Rows((0, 4), dtype=np.float32)
    assert not Ridge(none, none, none).scores(counts(np.random.default_rng(0), 2, 4), Rows((2, 4))).any()
