"""Ranking metrics: by hand, against trec_eval, and by their properties."""

import math
from collections import defaultdict

import numpy as np
import pytest
from crsbench_classic.base import best
from crsbench_metrics.ranking import (
    UNRANKED,
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

from crsbench.evaluation import Flags
from crsbench.protocols import Metric
from crsbench.types import Absent, Action, Catalog, Corpus, RankedRow, Row, Sealed, Split, State

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


def one(measure_, found, k):
    """A measure of a single unit; None: not ranked."""
    return measure_(np.array([UNRANKED if r is None else r for r in found]), np.array([0]), k)[0]


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
    assert [one(each, found, k) for each in (recall, reciprocal_rank, ndcg)] == pytest.approx(expected)


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
    assert one(recall, found, k) <= one(recall, found, k + 1)
    assert one(reciprocal_rank, found, k) <= one(reciprocal_rank, found, k + 1)


@given(some_ranks, st.integers(1, 50))
def test_all_lie_between_nothing_and_everything(found, k):
    distinct = [rank + 60 * j if rank else None for j, rank in enumerate(found)]
    for measure_ in (recall, reciprocal_rank, ndcg):
        assert 0 <= one(measure_, distinct, k) <= 1 + 1e-12
        assert (one(measure_, distinct, k) > 0) == any(rank is not None and rank <= k for rank in distinct)


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


def random_cases(count):
    """Rows with scores of 30 items, many of them tied, 0 to 4 targets, and the length of the list."""
    rng = np.random.default_rng(12)
    for case in range(count):
        scores = rng.integers(0, 6, 30).astype(np.float32)
        targets = rng.choice(30, rng.integers(0, 5), replace=False).tolist()
        yield f"q{case}", scores, tuple(targets), int(rng.integers(1, 31))


def test_against_trec_eval_with_ties_and_empty_rows():
    """1,000 rows, unit row. trec_eval puts ties in the reverse order of names: these are named so that the
    catalogue's order comes out. Its reciprocal rank has no cut-off, so it is given the first 10 alone.
    """
    ir = pytest.importorskip("ir_measures")
    from ir_measures import RR, R, nDCG

    flags = Flags(Corpus(Catalog(()), Split(), Split(), Split(), Sealed(), "", 0))
    rows, qrels, run, short = [], [], [], []
    for name, scores, targets, k in random_cases(1000):
        rows.append(flags.ranked(Row(name, name, State(()), targets), best(scores, k)))
        qrels += [ir.Qrel(name, f"{99 - target}", 1) for target in targets]
        docs = [ir.ScoredDoc(name, f"{99 - i}", float(scores[i])) for i in np.argsort(-scores, kind="stable")]
        run += docs[:k]
        short += docs[: min(k, 10)]
    assert 100 < sum(not row.row.targets for row in rows) < 300
    theirs = defaultdict(dict)
    measures = {R @ 1: Recall1, R @ 10: Recall10, R @ 25: Recall25, R @ 50: Recall50, nDCG @ 10: Ndcg10}
    for found in ir.iter_calc(measures, qrels, run):
        theirs[measures[found.measure]][found.query_id] = found.value
    theirs[ReciprocalRank10] = {found.query_id: found.value for found in ir.iter_calc([RR], qrels, short)}
    for metric in METRICS:
        ours = metric().measure(rows, None)
        (values,) = (v for v in ours if (v.subset, v.unit) == ("all", "row"))
        assert dict(zip(values.ids, values.values, strict=True)) == pytest.approx(theirs[metric], abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_against_a_loop(metric):
    """Every subset and unit of 1,000 rows in 300 dialogues against plain loops in float64."""
    rng = np.random.default_rng(3)
    rows = []
    for case in range(1000):
        n = int(rng.integers(0, 5))
        found = [None if r > 60 else r for r in rng.choice(np.arange(1, 90), n, replace=False).tolist()]
        flip = rng.random((3, n)) < 0.4
        rows.append(
            ranked(
                f"r{case}",
                found,
                dialogue=f"d{rng.integers(300)}",
                new=flip[0].tolist(),
                tail=flip[1].tolist(),
                liked=[None if a else b for a, b in zip(flip[1].tolist(), flip[2].tolist(), strict=True)],
                clean=case % 7 == 0,
                exposed=case % 5 == 0,
            )
        )
    values = {(v.subset, v.unit): v for v in metric().measure(rows, None)}
    assert len(values) == 21
    for (subset, unit), found in values.items():
        expected = defaultdict(list)
        for row in rows:
            chosen = [j for j in range(len(row.ranks)) if in_subset(subset, row, j)]
            for j in chosen:
                label = loop(metric, [row.ranks[j]])
                if unit == "label":
                    expected[f"{row.row.id}/{100 + j}"] = [label]
                elif unit == "dialogue":
                    expected[row.row.dialogue].append(label)
            if chosen and unit == "row":
                expected[row.row.id] = [loop(metric, [row.ranks[j] for j in chosen])]
        means = {name: sum(each) / len(each) for name, each in expected.items()}
        assert dict(zip(found.ids, found.values, strict=True)) == pytest.approx(means, abs=1e-12)
        dialogues = {row.row.id: row.row.dialogue for row in rows}
        whose = [dialogues.get(name.split("/")[0], name) for name in found.ids]
        assert list(found.groups) == whose


def in_subset(subset, row, j):
    return {
        "all": True,
        "new": row.new[j],
        "repeated": not row.new[j],
        "tail": row.tail[j],
        "liked": row.liked[j] is True,
        "clean": row.clean,
        "exposed": row.row.exposed,
    }[subset]


def loop(metric, found):
    k = int(metric.name.partition("@")[2])
    hits = [rank for rank in found if rank is not None and rank <= k]
    if metric.name.startswith("recall"):
        return len(hits) / len(found)
    if metric.name.startswith("mrr"):
        return 1 / min(hits) if hits else 0.0
    ideal = sum(1 / math.log2(1 + rank) for rank in range(1, min(len(found), k) + 1))
    return sum(1 / math.log2(1 + rank) for rank in hits) / ideal


def test_other_rows_are_not_mistaken_for_the_last_ones():
    one_row, other = [ranked("1", [1])], [ranked("1", [None])]
    found = [Recall10().measure(rows, None)[0].values for rows in (one_row, other, one_row)]
    assert found == [(1.0,), (0.0,), (1.0,)]
