"""Metrics that read a scenario's truth: rankings by utility, and satisfaction in episodes."""

import math

import numpy as np
import pytest
from crsbench_metrics.episodes import Satisfaction, SatisfactionTotal, SuccessRate
from crsbench_metrics.truth import TruthNdcg10, utility_ndcg
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from crsbench.protocols import Metric
from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Episode,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Truth,
)

utilities = st.lists(st.floats(2**-6, 1, width=32), min_size=1, max_size=15)


def corpus(**truths):
    sealed = Sealed(
        truth={row: Truth(u if u is None else np.array(u, np.float32)) for row, u in truths.items()}
    )
    return Corpus(Catalog(()), Split(), Split(), Split(), sealed, "", 0)


def ranked(name, items):
    return RankedRow(Row(name, f"d{name}", State(()), ()), Action(tuple(items)), (), (), (), (), True)


def test_by_hand():
    gains = np.array([0.5, 0.1, 0.9], np.float32)
    ideal = 0.9 + 0.5 / math.log2(3)
    assert utility_ndcg([2, 0], gains, 2) == pytest.approx(1)
    assert utility_ndcg([0, 1], gains, 2) == pytest.approx((0.5 + 0.1 / math.log2(3)) / ideal)
    assert utility_ndcg([0], gains, 2) == pytest.approx(0.5 / ideal)  # a short list forgoes gains
    assert utility_ndcg([], gains, 2) == 0
    assert utility_ndcg([2, 0, 1], gains, 10) == pytest.approx(1)  # a catalogue smaller than k


@given(utilities, st.data())
def test_no_ranking_beats_the_ideal(values, data):
    order = data.draw(st.permutations(range(len(values))))
    gains = np.array(values, np.float32)
    ideal = np.argsort(-gains, kind="stable").tolist()
    assert 0 < utility_ndcg(order, gains, 10) <= 1 + 1e-9
    assert utility_ndcg(ideal, gains, 10) == pytest.approx(1)


def test_against_sklearn_and_a_loop():
    """1,000 rankings of catalogues with ties, some of them short or empty."""
    rng = np.random.default_rng(9)
    for case in range(1000):
        size = int(rng.integers(2, 60))
        gains = (rng.integers(0, 6, size) / 5).astype(np.float32)
        gains[rng.integers(size)] = 1
        order = rng.permutation(size)
        found = utility_ndcg(order.tolist(), gains, 10)
        if case < 100:
            scores = np.empty(size)
            scores[order] = np.arange(size, 0, -1)
            assert found == pytest.approx(ndcg_score([gains], [scores], k=10))
        short = order[: rng.integers(0, 12)].tolist()
        got = sum(float(gains[item]) / math.log2(2 + place) for place, item in enumerate(short[:10]))
        ideal = sum(g / math.log2(2 + place) for place, g in enumerate(sorted(map(float, gains))[::-1][:10]))
        assert utility_ndcg(short, gains, 10) == pytest.approx(got / ideal)


def test_truth_ndcg_of_rows():
    rows = [ranked("1", [1, 0]), ranked("2", [1, 0])]
    (values,) = TruthNdcg10().measure(rows, corpus(**{"1": [0.2, 0.8], "2": [0.8, 0.2]}))
    assert (values.metric, values.subset, values.unit) == ("truth_ndcg@10", "all", "row")
    assert (values.ids, values.groups) == (("1", "2"), ("d1", "d2"))
    swapped = (0.2 + 0.8 / math.log2(3)) / (0.8 + 0.2 / math.log2(3))
    assert values.values == pytest.approx((1, swapped))


@pytest.mark.parametrize("truths", [{}, {"1": [0.5, 0.5]}, {"1": [0.5, 0.5], "2": None}])
def test_truth_ndcg_is_absent_where_a_row_has_no_truth(truths):
    (absent,) = TruthNdcg10().measure([ranked("1", [0]), ranked("2", [0])], corpus(**truths))
    row = "2" if truths else "1"
    assert absent == Absent("truth_ndcg@10", f"the dataset knows no true utilities (row {row})")


def episode(seed, satisfied, decoding="greedy"):
    return Episode(
        seed, (), None if satisfied is None else Truth(satisfied=tuple(map(bool, satisfied))), decoding
    )


def test_satisfaction_by_hand():
    episodes = [episode(7, [1, 0, 1, 1]), episode(8, [1]), episode(9, [0, 0]), episode(7, [], "sampled")]
    expected = {Satisfaction: (0.75, 1, 0), SatisfactionTotal: (3, 1, 0), SuccessRate: (1, 0, 0)}
    for metric, values in expected.items():
        greedy, sampled = metric().measure(episodes, corpus())
        assert (greedy.metric, greedy.subset, greedy.unit) == (metric.name, "all", "episode")
        assert greedy.decoding == "greedy"
        assert greedy.ids == ("greedy/7", "greedy/8", "greedy/9")
        assert greedy.groups == ("7", "8", "9")
        assert greedy.values == pytest.approx(values)
        assert (sampled.decoding, sampled.ids, sampled.values) == ("sampled", ("sampled/7",), (0,))


@pytest.mark.parametrize("metric", [Satisfaction, SatisfactionTotal, SuccessRate])
def test_satisfaction_is_absent_without_truth(metric):
    assert isinstance(metric(), Metric)
    (no_episodes,) = metric().measure([], corpus())
    assert no_episodes == Absent(metric.name, "no simulator: there are no episodes")
    (no_truth,) = metric().measure([episode(1, [1]), episode(2, None)], corpus())
    assert no_truth == Absent(metric.name, "the simulator knows no true satisfaction")


@given(st.lists(st.booleans(), min_size=1))
def test_how_the_three_hang_together(satisfied):
    total = SatisfactionTotal.value(satisfied)
    assert Satisfaction.value(satisfied) * len(satisfied) == pytest.approx(total)
    assert SuccessRate.value(satisfied) == (total >= 2)
