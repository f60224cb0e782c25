"""What the parts of the item logits are worth, and how much of what is added to trees is kept."""

from __future__ import annotations

import numpy as np
import pytest
from crsbench_lm.evidence import Evidence, Recommended
from crsbench_lm.mixing import LEAST, TIE, HeldOut, fit_weight, offset
from hypothesis import given
from hypothesis import strategies as st


def test_the_weight_is_the_best_of_a_grid() -> None:
    """Of 50 items 20 are candidates, and targets are as likely as 1.5 times what trees say makes them."""
    rng = np.random.default_rng(5)
    made = []
    for _ in range(100):
        items = np.sort(rng.choice(50, 20, replace=False)).astype(np.int32)
        ranked = rng.random(20).astype(np.float32) * 3
        likely = np.exp(1.5 * ranked)
        target = int(rng.choice(items, p=likely / likely.sum()))
        made.append(Recommended(Evidence(items, np.zeros((20, 1), np.float16), ranked), (target,), None))

    def loss(weight: float) -> float:
        total = 0.0
        for row in made:
            logits = np.zeros(50)
            logits[row.evidence.items] = weight * row.evidence.ranked
            total += float(np.logaddexp.reduce(logits) - logits[row.targets[0]])
        return total / len(made)

    fitted = fit_weight(made, 50)
    assert loss(fitted) <= min(map(loss, np.arange(LEAST, 12, 0.02))) + 1e-6
    assert fitted > 1


def test_the_offset_lets_what_was_named_stand_higher_than_by_trees_as_often_as_lower() -> None:
    """Item 0 was named. Trees put it first in three of five states; the logits leave it behind in all."""
    behind = np.array([0.5, 1, 1.5, 3, 4])
    logits = np.zeros((6, 4), np.float32)
    logits[:5, 1] = behind
    ranked = np.zeros_like(logits)
    ranked[[0, 2, 4], 0] = 1
    ranked[[1, 3], 2] = 1
    named = np.zeros_like(logits)
    named[:5, 0] = 1  # in the last state nothing is
    assert offset(logits, ranked, named) == pytest.approx((1.5 + 3) / 2)
    assert offset(logits, ranked, 0 * named) == 0
    # Always first by trees, and always last.
    assert offset(logits, named, named) == pytest.approx(4 + TIE)
    assert offset(-logits, -named, named) == pytest.approx(-4 - TIE)


@given(st.integers(0, 2**32 - 1))
def test_the_offset_balances_ranks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, ranked = rng.normal(size=(2, 9, 6)).astype(np.float32)
    named = (rng.random((9, 6)) < 0.3).astype(np.float32)
    added = offset(logits, ranked, named)

    def rank_of_best(scores: np.ndarray) -> np.ndarray:
        best = np.where(named > 0, scores, -np.inf).max(axis=1, keepdims=True)
        return ((scores > best) & (named == 0)).sum(axis=1)

    moved = rank_of_best(logits + np.float32(added) * named) - rank_of_best(ranked)
    told = named.any(axis=1) & (named == 0).any(axis=1)
    assert (moved[told] > 0).sum() == (moved[told] < 0).sum()


def test_of_what_is_added_to_trees_as_much_is_kept_as_serves_the_order() -> None:
    """The target is item 0, and trees put it first by 1; what is added to them lifts item 1 by `more`."""

    def share(*more: float) -> float:
        ranked = np.zeros((len(more), 3), np.float32)
        ranked[:, 0] = 1
        added = np.zeros_like(ranked)
        added[:, 1] = more
        found, none = HeldOut([np.stack([ranked + added, ranked, 0 * ranked])], [(0,)] * len(more)).balance()
        assert none == 0  # nothing was named
        return found

    assert share(0.5) == 1  # it does no harm
    assert share(1.2) == 0.75
    assert share(1.2, 1.9) == 0.5
    assert share(1.2, 3) == 0.25
    assert share(1.2, 5) == 0.75
    assert share(50) == 1  # nothing helps
    gain = np.array([[[0, 1, 1.3], [0, 1, 0]], [[0, 1, 0], [0, 1, 0]], [[0] * 3] * 2], np.float32)
    assert HeldOut([gain], [(2,), (2,)]).balance() == (1, 0)  # without it the target is not first
    assert HeldOut().balance() == (1, 0)


def test_shares_are_compared_with_the_offset_that_each_is_given() -> None:
    """What is added to trees puts item 1 before item 2, rightly, and before item 0, which was named."""
    ranked = np.array([[4, 0, 1]] * 4 + [[0, 1, 2]] * 3, np.float32)
    logits = np.array([[4, 5, 1]] * 4 + [[0, 2.2, 2]] * 3, np.float32)
    named = np.array([[1, 0, 0]] * 4 + [[0, 0, 0]] * 3, np.float32)
    share, added = HeldOut([np.stack([logits, ranked, named])], [(0,)] * 4 + [(1,)] * 3).balance()
    assert share == 1  # three quarters put item 0 before item 1 by themselves, and item 2 before item 1
    assert added == offset(logits, ranked, named) == pytest.approx(1 + TIE)
