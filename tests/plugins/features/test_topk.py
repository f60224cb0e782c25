"""The best k in blocks, against a stable sort of everything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from crsbench_features import topk
from crsbench_features.topk import STRIPE, TopK, best_of_products


def sorted_whole(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, 1)


def in_blocks(scores: np.ndarray, k: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    top = TopK(len(scores), k)
    for first in range(0, scores.shape[1], width):
        top.add(torch.from_numpy(scores[:, first : first + width]), first)
    return top.result()


def drawn(kind: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    scores = rng.normal(size=(9, 1500)).astype(np.float32)
    return {
        "different": scores,
        "tied": np.round(2 * scores) / 2,
        "all equal": np.zeros_like(scores),
        "rising": np.sort(scores, axis=1),
        "falling": -np.sort(-scores, axis=1),
    }[kind]


@pytest.mark.parametrize("kind", ["different", "tied", "all equal", "rising", "falling"])
@pytest.mark.parametrize("k", [1, 7, 200])
@pytest.mark.parametrize("width", [1, STRIPE, 500, 1500])
def test_as_a_stable_sort(kind: str, k: int, width: int) -> None:
    scores = drawn(kind)
    if width == 1:
        scores = scores[:, :250]
    items, values = in_blocks(scores, k, width)
    expected, theirs = sorted_whole(scores, k)
    assert items.tolist() == expected.tolist()
    assert values.tolist() == theirs.tolist()
    assert (items.dtype, values.dtype) == (np.int64, np.float32)


def test_what_is_excluded_is_not_found() -> None:
    scores = drawn("tied")
    scores[:, 5:] = -np.inf
    items, values = in_blocks(scores, 8, 100)
    assert items[:, :5].tolist() == sorted_whole(scores, 5)[0].tolist()
    assert (items[:, 5:] == -1).all()
    assert np.isneginf(values[:, 5:]).all()


def test_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topk, "ROWS", 16)
    monkeypatch.setattr(topk, "COLUMNS", 256)
    rng = np.random.default_rng(1)  # small whole numbers: their products are exact, and tie
    states = rng.integers(-3, 4, (37, 5)).astype(np.float32)
    catalogue = rng.integers(-3, 4, (1000, 5)).astype(np.float32)
    items, values = best_of_products(torch.from_numpy(states), torch.from_numpy(catalogue), 20)
    expected, theirs = sorted_whole(states @ catalogue.T, 20)
    assert items.tolist() == expected.tolist()
    assert values.tolist() == theirs.tolist()
    few, _ = best_of_products(torch.from_numpy(states), torch.from_numpy(catalogue[:3]), 20)
    assert few.shape == (37, 3)
