"""How a ranking of the catalogue is held against the truth of one row."""

from __future__ import annotations

import numpy as np
import pytest

from crsbench.evidence.ranking import correlation
from crsbench.types import Row, State, Truth, Turn

TRUTH = Truth(np.array([0.0, 0.1, 0.5, 0.9], dtype=np.float32))


def row(*shown: int) -> Row:
    return Row("r", "d", State((Turn("user", "hi"), Turn("system", "this", recommended=shown))), ())


def test_items_recommended_before_do_not_count() -> None:
    scores = np.array([9.0, 1.0, 2.0, 3.0])
    assert correlation(row(0), TRUTH, scores) == pytest.approx(1)
    assert correlation(row(), TRUTH, scores) == pytest.approx(-0.2)  # 1 − 6·12 / (4·15)
    assert correlation(row(0), TRUTH, -scores) == pytest.approx(-1)


def test_items_that_are_not_ranked_share_the_last_place() -> None:
    scores = np.array([-np.inf, -np.inf, 1.0, 2.0])
    assert correlation(row(), TRUTH, scores) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)


def test_a_ranking_that_holds_all_equal_has_none() -> None:
    assert np.isnan(correlation(row(), TRUTH, np.ones(4)))
