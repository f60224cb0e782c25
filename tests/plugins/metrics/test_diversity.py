"""Diversity metrics: by hand, against plain loops."""

import math

import numpy as np
import pytest
from crsbench_metrics import diversity
from crsbench_metrics.diversity import divergence, gini, gini_without
from hypothesis import given
from hypothesis import strategies as st

from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Dialogue,
    Item,
    Mention,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Turn,
)

METRICS = [
    diversity.Coverage,
    diversity.Gini,
    diversity.ExposureHead,
    diversity.ExposureTail,
    diversity.ExposureCold,
    diversity.Calibration,
]


def corpus(*genres, shown=()):
    """A catalogue of items with these genres; train recommends `shown`."""
    items = tuple(Item(str(i), f"Film {i}", None, {"genre": g} if g else {}) for i, g in enumerate(genres))
    train = Dialogue("t", tuple(Turn("system", "", recommended=(item,)) for item in shown))
    return Corpus(Catalog(items), Split((train,)), Split(), Split(), Sealed(), "", 0)


def ranked(name, items, *mentions, dialogue=None, speaker="user"):
    state = State((Turn(speaker, "", tuple(mentions)),))
    return RankedRow(Row(name, dialogue or f"d{name}", state, ()), Action(tuple(items)), (), (), (), (), True)


def mean(values):
    return sum(values.values) / len(values.values)


def test_coverage_by_hand():
    rows = [ranked("1", [0, 1]), ranked("2", [1, 2], dialogue="d1"), ranked("3", range(11)), ranked("4", [])]
    (values,) = diversity.Coverage().measure(rows, corpus(*[()] * 20))
    assert mean(values) == pytest.approx(10 / 20)  # item 10 is in no place of the first ten
    assert (values.unit, values.ids) == ("dialogue", ("d1", "d3"))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_gini_against_mean_differences(counts):
    found = gini(np.array(counts))
    pairs = sum(abs(a - b) for a in counts for b in counts)
    assert found == pytest.approx(pairs / (2 * len(counts) * sum(counts)) if sum(counts) else 0)


@given(st.lists(st.lists(st.integers(0, 7), max_size=6), min_size=1, max_size=6))
def test_gini_without_each_dialogue(shown):
    counts = np.bincount([item for some in shown for item in some], minlength=9)
    found = gini_without(counts, shown)
    for g, some in enumerate(shown):
        assert found[g] == pytest.approx(gini(counts - np.bincount(some, minlength=9)))


def test_gini_of_rows():
    rows = [ranked("1", [0, 1]), ranked("2", [0, 1])]
    (values,) = diversity.Gini().measure(rows, corpus((), (), (), ()))
    assert mean(values) == pytest.approx(0.5)
    assert not values.higher_is_better


def test_exposure_by_hand():
    """Train recommends 0 three times and 1 to 4 once: the head of five items is 0 alone, 5 is new."""
    data = corpus(*[()] * 6, shown=(0, 0, 0, 1, 2, 3, 4))
    rows = [ranked("1", [0, 1, 2, 5]), ranked("2", [5])]
    for metric, expected in (
        (diversity.ExposureHead, (0.25, 0)),
        (diversity.ExposureTail, (0.5, 0)),
        (diversity.ExposureCold, (0.25, 1)),
    ):
        (values,) = metric().measure(rows, data)
        assert (values.unit, values.values) == ("row", pytest.approx(expected))


def test_calibration_by_hand():
    data = corpus(("Comedy",), ("comedy", "drama"), ("horror",), ())
    comedy, film = Mention("Comedy"), Mention("Film 1", item=1)
    rows = [
        ranked("same", [0], comedy),
        ranked("mixed", [1], comedy),
        ranked("other", [2], comedy),
        ranked("items", [0, 2], film),  # p: half comedy, half drama; q: half comedy, half horror
        ranked("no genre", [0], Mention("tall people"), Mention("Film 3", item=3)),
        ranked("system", [0], comedy, speaker="system"),
    ]
    (values,) = diversity.Calibration().measure(rows, data)
    found = dict(zip(values.ids, values.values, strict=True))
    assert found.keys() == {"same", "mixed", "other", "items"}
    assert found["same"] == 0
    assert found["mixed"] == pytest.approx(-math.log(0.99 / 2 + 0.01))
    assert found["other"] == pytest.approx(math.log(100))
    assert found["items"] == pytest.approx(0.5 * math.log(0.5 / 0.5) + 0.5 * math.log(0.5 / 0.005))
    assert not values.higher_is_better


distributions = st.dictionaries(st.sampled_from("abcd"), st.floats(0.01, 1), min_size=1).map(
    lambda d: {genre: share / sum(d.values()) for genre, share in d.items()}
)


@given(distributions, distributions)
def test_divergence_is_least_where_lists_agree(asked, listed):
    assert divergence(asked, asked) == pytest.approx(0, abs=1e-12)
    assert 0 <= divergence(asked, listed) <= math.log(100) + 1e-9


@pytest.mark.parametrize("metric", METRICS)
def test_where_there_is_nothing(metric):
    (absent,) = metric().measure([ranked("1", [])], corpus(()))
    assert absent == Absent(metric.name, "nothing was ranked")


def test_calibration_needs_genres():
    (absent,) = diversity.Calibration().measure([ranked("1", [0])], corpus(()))
    assert absent == Absent("calibration", "no item has an attribute 'genre'")
    (absent,) = diversity.Calibration().measure([ranked("1", [0])], corpus(("a",)))
    assert absent == Absent("calibration", "no user names a genre, or an item that has one")
