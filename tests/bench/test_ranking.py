"""Ranking metrics of 100,000 rows with 50 ranks, against ranx's compiled code in the same run.

No part of the quick tests: `pytest tests/bench/test_ranking.py -s`, on a machine that does nothing else, with
ranx installed. It is given its own structures, sorted and compiled; ours begin with the rows of a run, and
give every subset and unit where ranx gives one.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from crsbench.types import Action, RankedRow, Row, State

ROWS, RANKS, ITEMS = 100_000, 50, 5_000
NAMES = ["recall@1", "recall@10", "recall@25", "recall@50", "mrr@10", "ndcg@10"]


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def test_against_ranx() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ranx = pytest.importorskip("ranx")
    from crsbench_metrics.ranking import Ndcg10, Recall1, Recall10, Recall25, Recall50, ReciprocalRank10

    rng = np.random.default_rng(0)
    lists = np.argsort(rng.random((1000, ITEMS)), axis=1)[rng.integers(0, 1000, ROWS), :RANKS]
    targets = np.where(rng.random(ROWS) < 0.5, lists[np.arange(ROWS), rng.integers(0, RANKS, ROWS)], ITEMS)
    places = lists == targets[:, None]
    ranks = np.where(places.any(axis=1), places.argmax(axis=1) + 1, 0).tolist()
    rows = [
        RankedRow(
            Row(f"r{i}", f"d{i // 4}", State(()), (int(targets[i]),)),
            Action(()),
            (ranks[i] or None,),
            (i % 3 > 0,),
            (i % 5 > 0,),
            (None,),
            False,
        )
        for i in range(ROWS)
    ]
    qrels = ranx.Qrels({f"r{i}": {str(targets[i]): 1} for i in range(ROWS)})
    scores = [float(RANKS - place) for place in range(RANKS)]
    run = ranx.Run(
        {f"r{i}": dict(zip(map(str, lists[i].tolist()), scores, strict=True)) for i in range(ROWS)}
    )
    measures = (Recall1, Recall10, Recall25, Recall50, ReciprocalRank10, Ndcg10)
    made = [measure() for measure in measures]

    def ours() -> dict[str, float]:
        again = list(rows)  # other rows: nothing is remembered
        found = {metric.name: metric.measure(again, None)[1] for metric in made}
        return {name: float(np.mean(values.values)) for name, values in found.items()}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ranx.evaluate(qrels, run, NAMES)  # compiles
        assert ours() == pytest.approx({name: float(value) for name, value in theirs.items()})
        turns = [(seconds(lambda: ranx.evaluate(qrels, run, NAMES)), seconds(ours)) for _ in range(5)]
    ratio = statistics.median(mine / compiled for compiled, mine in turns)
    print(f"\nranx {turns[-1][0]:.2f} s, ours {turns[-1][1]:.2f} s, ratio (median of 5) {ratio:.2f}")
    assert ratio <= 1
