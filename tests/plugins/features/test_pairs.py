"""Pairs of items named in one dialogue, by hand."""

from __future__ import annotations

import numpy as np
from crsbench_features.pairs import Pairs
from crsbench_features.reading import Rows

NAMED = Rows(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], np.float32))  # n = 3, 2, 1; n_01 = 2, n_02 = 1


def test_pairs_count_by_how_often_each_is_named() -> None:
    found = Pairs(NAMED)
    asked = Rows(np.array([[1, 0, 0], [0, 0.5, 0.7], [0, 0, 0]], np.float32))
    together = [2 / np.sqrt(8 * 7), 1 / np.sqrt(8 * 6)]
    expected = [[0, *together], [0.5 * together[0] + 0.7 * together[1], 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(found.together(asked), expected, rtol=1e-6)
    after = [np.log1p(3 * 2 / (6 * 12)), np.log1p(3 * 1 / (6 * 11))]  # named: item 0
    before = [np.log1p(3 * 2 / (5 * 13)), np.log1p(3 * 1 / (4 * 13))]  # the item: 0
    expected = [[0, *after], [0.5 * before[0] + 0.7 * before[1], 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(found.lift(asked), expected, rtol=1e-6)


def test_an_item_alone_speaks_for_none() -> None:
    one = Rows(np.array([[1, 0]], np.float32))
    assert not Pairs(one).together(one).any()
    assert not Pairs(one).lift(one).any()
