"""How many trees are enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from crsbench_features.boosting import PATIENCE, SPAN, boost_together, dataset

HILL = [1 - abs(step - 60) / 100 for step in range(1, 301)]  # highest with 60 trees


def trees(ndcg: list[float], most: int, ctx: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many each booster has, where so many trees have this NDCG."""
    rng = np.random.default_rng(0)
    told = dataset(rng.random((200, 2), np.float32), np.arange(200) % 20 == 0, [20] * 10)
    judged = dataset(rng.random((40, 2), np.float32), np.arange(40) % 20 == 0, [20] * 2, like=told)
    values = iter(ndcg)
    monkeypatch.setattr(sklearn.metrics, "ndcg_score", lambda *_, **__: next(values))
    return [one.num_trees() for one in boost_together([told] * 2, judged, 0, most, ctx, "trees")]


def test_boosters_have_as_many_trees_as_are_best_on_average(
    toy_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trees(HILL, 300, toy_context, monkeypatch) == [60, 60]
    assert len(toy_context.scalars) == 60 + SPAN // 2 + PATIENCE
    peak = [1.5 if step == 5 else ndcg for step, ndcg in enumerate(HILL, 1)]  # chance
    assert trees(peak, 300, toy_context, monkeypatch) == [60, 60]


def test_there_are_no_more_than_asked_for(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trees(HILL, 30, toy_context, monkeypatch) == [30 - SPAN // 2] * 2
    assert trees(HILL, 1, toy_context, monkeypatch) == [1, 1]
