"""Measures from ranks, against those of the metrics that runs measure with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crsbench.errors import DataError
from crsbench.leaderboard.ranks import Rows, recompute
from crsbench.record import Run

LINE = {
    "id": "a",
    "dialogue": "d",
    "stage": "final",
    "targets": [3, 4, 3],
    "ranks": [1, None, 3],
    "new": [True, False, True],
    "tail": [True, True, True],
    "liked": [None, True, False],
    "clean": True,
    "exposed": False,
}


def test_a_row_with_several_targets_by_hand() -> None:
    given = recompute(Rows.of([LINE]), "final")

    def values(metric: str, subset: str, unit: str) -> tuple[float, ...]:
        found = given(metric, subset, unit)
        assert found is not None
        return found.values

    assert values("recall@2", "all", "label") == (1.0, 0.0, 0.0)
    assert values("recall@3", "all", "row") == pytest.approx((2 / 3,))
    assert values("recall@10", "repeated", "row") == (0.0,)
    assert values("mrr@10", "all", "row") == (1.0,)
    assert values("mrr@10", "all", "dialogue") == pytest.approx(((1 + 0 + 1 / 3) / 3,))
    assert values("ndcg@10", "new", "row") == pytest.approx(((1 + 1 / 2) / (1 + 0.6309297535714575),))
    assert given("recall@10", "all", "label").ids == ("a/3", "a/4", "a/3.2")  # pyright: ignore
    assert given("recall@10", "exposed", "row") is None
    assert given("recall@51", "all", "row") is None
    assert given("gini", "all", "row") is None


def test_all_that_a_run_measured(small_run: Callable[..., Run]) -> None:
    run = small_run("text-knn")
    from crsbench.leaderboard.records import _rows_of  # pyright: ignore[reportPrivateUsage]

    given = recompute(_rows_of(run.path / "rows.jsonl"), "final")
    compared = 0
    for one in run.measured():
        v = one.values
        mine = given(v.metric, v.subset, v.unit)
        if mine is not None:
            assert (mine.ids, mine.groups) == (v.ids, v.groups)
            assert mine.values == pytest.approx(v.values)
            compared += 1
    assert compared >= 4 * 5 * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ranks": [1, None]}, "one rank for each of its targets"),
        ({"ranks": [1, None, 51]}, "not between 1 and 50"),
        ({"ranks": [1, None, 1.5]}, "not between 1 and 50"),
        ({"new": [True]}, "one flag"),
    ],
)
def test_rows_that_cannot_be(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Rows.of([{**LINE, **change}])


def test_stages_stand_on_the_same_rows() -> None:
    with pytest.raises(DataError, match="other rows"):
        Rows.of([LINE, {**LINE, "stage": "sft", "targets": [5, 6, 7]}])
    with pytest.raises(DataError, match="two rows have one id"):
        Rows.of([LINE, LINE])
