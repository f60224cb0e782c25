"""Reciprocal rank fusion."""

from __future__ import annotations

import numpy as np
import pytest
from crsbench_features import fusion
from crsbench_features.fusion import SOURCES, fused
from crsbench_features.grounding import Grounding
from crsbench_features.memory import Memory


def test_the_sum_of_reciprocal_ranks() -> None:
    first = np.array([[0.9, 0.1, 0.0, 0.5], [0, 0, 0, 0]], np.float32)
    second = np.array([[1, 1, 0, 2], [3, 0, 0, 0]], np.float32)
    expected = [[1 / 61 + 1 / 63, 1 / 63 + 1 / 63, 0, 1 / 62 + 1 / 61], [1 / 61, 0, 0, 0]]
    np.testing.assert_allclose(fused([first, second], (2, 4)), expected, rtol=1e-6)


def test_only_the_best_of_a_source_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "DEPTH", 3)
    values = np.array([[5, 4, 3, 2, 1]], np.float32)
    np.testing.assert_allclose(fused([values], (1, 5)), [[1 / 61, 1 / 62, 0, 0, 0]], rtol=1e-6)


def test_the_sources_are_features(toy) -> None:
    memory = Memory.fit(toy[1][:20], toy[0])
    assert set(SOURCES) <= {*memory.names, *Grounding(memory.reader).names}
