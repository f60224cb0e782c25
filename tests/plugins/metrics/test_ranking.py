"""Ranking metrics: by hand, against trec_eval, and by their properties."""

import math
from collections import defaultdict

import pytest
from crsbench_metrics.ranking import (
    Ndcg10,
    Recall1,
    Recall10,
    Recall25,
    Recall50,
    ReciprocalRank10,
    ndcg,
    recall,
    reciprocal_rank,
)
from hypothesis import given
from hypothesis import strategies as st

from crsbench.protocols import Metric
from crsbench.types import Absent, Action, RankedRow, Row, State

METRICS = [Recall1, Recall10, Recall25, Recall50, ReciprocalRank10, Ndcg10]
ranks = st.none() | st.integers(1, 60)
some_ranks = st.lists(ranks, min_size=1, max_size=5)


def ranked(name, found, *, dialogue="d", new=None, tail=None, liked=None, clean=False, exposed=False):
    """A row whose targets 100, 101, … were found at these ranks."""
    n = len(found)
    targets = tuple(range(100, 100 + n))
    return RankedRow(
        row=Row(name, dialogue, State(()), targets, exposed),
        action=Action(()),
        ranks=tuple(found),
        new=tuple(new or [True] * n),
        tail=tuple(tail or [False] * n),
        liked=tuple(liked or [None] * n),
        clean=clean,
    )


def measure(metric, *rows):
    return {(values.subset, values.unit): values for values in metric().measure(rows, None)}


@pytest.mark.parametrize(
    ("found", "k", "expected"),
    [
        ([1, 3, None], 1, (1 / 3, 1, 1)),
        ([2, 3, None], 1, (0, 0, 0)),
        ([4], 10, (1, 1 / 4, 1 / math.log2(5))),
        ([11, None], 10, (0, 0, 0)),
        ([1, 2], 10, (1, 1, 1)),
        ([2, 1, None], 10, (2 / 3, 1, (1 + 1 / math.log2(3)) / (1 + 1 / math.log2(3) + 1 / 2))),
        # more targets than places: a full list is ideal
        ([2, 1, None], 2, (2 / 3, 1, 1)),
    ],
)
def test_by_hand(found, k, expected):
    assert (recall(found, k), reciprocal_rank(found, k), ndcg(found, k)) == pytest.approx(expected)


def test_units_and_ids():
    rows = [ranked("d-1", [1, None]), ranked("d-3", [20]), ranked("e-1", [3], dialogue="e")]
    values = measure(Recall10, *rows)
    label, row, dialogue = (values["all", unit] for unit in ("label", "row", "dialogue"))
    assert (label.metric, label.higher_is_better, label.decoding) == ("recall@10", True, None)
    assert label.ids == ("d-1/100", "d-1/101", "d-3/100", "e-1/100")
    assert label.groups == ("d", "d", "d", "e")
    assert label.values == (1, 0, 0, 1)
    assert (row.ids, row.groups, row.values) == (("d-1", "d-3", "e-1"), ("d", "d", "e"), (0.5, 0, 1))
    assert (dialogue.ids, dialogue.groups) == (("d", "e"), ("d", "e"))
    assert dialogue.values == pytest.approx((1 / 3, 1))


def test_subsets_choose_targets_and_empty_ones_give_nothing():
    rows = [
        ranked(
            "1", [1, 2, None], new=[True, False, True], tail=[False, True, True], liked=[True, False, None]
        ),
        ranked("2", [None], dialogue="e", clean=True, exposed=True),
    ]
    values = measure(ReciprocalRank10, *rows)
    by_row = {subset: (v.ids, v.values) for (subset, unit), v in values.items() if unit == "row"}
    assert by_row == {
        "all": (("1", "2"), (1, 0)),
        "new": (("1", "2"), (1, 0)),
        "repeated": (("1",), (0.5,)),
        "tail": (("1",), (0.5,)),
        "liked": (("1",), (1,)),
        "clean": (("2",), (0,)),
        "exposed": (("2",), (0,)),
    }
    assert values["tail", "label"].ids == ("1/101", "1/102")
    assert {subset for subset, _ in measure(Recall1, ranked("1", [1]))} == {"all", "new"}


def test_rows_without_a_target_are_in_no_unit():
    values = measure(Recall10, ranked("1", []), ranked("2", [1]))
    assert {v.ids for v in values.values()} == {("2/100",), ("2",), ("d",)}
    (absent,) = Recall10().measure([ranked("1", [])], None)
    assert absent == Absent("recall@10", "no row has a target")


def test_a_target_that_a_row_repeats_keeps_an_id_of_its_own():
    row = RankedRow(
        Row("1", "d", State(()), (7, 7, 7)), Action(()), (2,) * 3, (True,) * 3, (True,) * 3, (None,) * 3, True
    )
    assert measure(Recall10, row)["all", "label"].ids == ("1/7", "1/7.2", "1/7.3")


@pytest.mark.parametrize("metric", METRICS)
def test_the_protocol(metric):
    assert isinstance(metric(), Metric)
    assert metric.reads == "rankings"


@given(some_ranks, st.integers(1, 49))
def test_recall_and_reciprocal_rank_grow_with_k(found, k):
    assert recall(found, k) <= recall(found, k + 1)
    assert reciprocal_rank(found, k) <= reciprocal_rank(found, k + 1)


@given(some_ranks, st.integers(1, 50))
def test_all_lie_between_nothing_and_everything(found, k):
    distinct = [rank + 60 * j if rank else None for j, rank in enumerate(found)]
    for measure_ in (recall, reciprocal_rank, ndcg):
        assert 0 <= measure_(distinct, k) <= 1
        assert (measure_(distinct, k) > 0) == any(rank is not None and rank <= k for rank in distinct)


@given(st.lists(ranks, min_size=1, max_size=8))
def test_units_agree_where_every_row_has_one_target_and_every_dialogue_one_row(found):
    rows = [ranked(f"r{i}", [rank], dialogue=f"d{i}") for i, rank in enumerate(found)]
    for metric in METRICS:
        values = measure(metric, *rows)
        assert (
            values["all", "label"].values == values["all", "row"].values == values["all", "dialogue"].values
        )


@given(st.lists(some_ranks, min_size=1, max_size=4), st.data())
def test_new_and_repeated_part_all(found, data):
    rows = [
        ranked(f"r{i}", each, new=data.draw(st.lists(st.booleans(), min_size=len(each), max_size=len(each))))
        for i, each in enumerate(found)
    ]
    values = measure(Recall10, *rows)
    parts = [values[s, "label"] for s in ("new", "repeated") if (s, "label") in values]
    together = dict(zip(values["all", "label"].ids, values["all", "label"].values, strict=True))
    assert {i: v for part in parts for i, v in zip(part.ids, part.values, strict=True)} == together
    assert sum(len(part.ids) for part in parts) == len(together)


@given(st.lists(st.lists(st.none() | st.integers(1, 60), min_size=1, max_size=5), min_size=1, max_size=5))
def test_against_trec_eval(found):
    """Row unit against ir-measures (pytrec_eval; msmarco's own for the reciprocal rank)."""
    ir = pytest.importorskip("ir_measures")
    from ir_measures import RR, R, nDCG

    rows, qrels, run = [], [], []
    for i, each in enumerate(found):
        # targets of a row stand at different ranks
        distinct = (
            list(dict.fromkeys(each)) if None not in each else [r for r in dict.fromkeys(each) if r] + [None]
        )
        rows.append(ranked(f"q{i}", distinct))
        at = {rank: f"target{j}" for j, rank in enumerate(distinct) if rank}
        qrels += [ir.Qrel(f"q{i}", f"target{j}", 1) for j in range(len(distinct))]
        run += [ir.ScoredDoc(f"q{i}", at.get(r, f"other{r}"), 100.0 - r) for r in range(1, 61)]
    theirs = defaultdict(dict)
    measures = {R @ 1: Recall1, R @ 10: Recall10, R @ 25: Recall25, R @ 50: Recall50}
    measures |= {RR @ 10: ReciprocalRank10, nDCG @ 10: Ndcg10}
    for found_ in ir.iter_calc(measures, qrels, run):
        theirs[measures[found_.measure]][found_.query_id] = found_.value
    for metric in METRICS:
        ours = measure(metric, *rows)["all", "row"]
        assert dict(zip(ours.ids, ours.values, strict=True)) == pytest.approx(theirs[metric], abs=1e-6)
