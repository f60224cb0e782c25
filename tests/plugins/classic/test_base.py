"""The one rule from scores to answers, and the counts that the baselines share."""

import numpy as np
import pytest
from crsbench_classic.base import best, popularity, recommendations
from hypothesis import given
from hypothesis import strategies as st

from crsbench.types import Dialogue, Split, Turn

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=12)


def test_equal_scores_stand_in_catalogue_order():
    action = best(np.array([0.5, 1, 0.5, 0, 0.5], np.float32), k=3)
    assert action.items == (1, 0, 2)
    assert action.scores == (1.0, 0.5, 0.5)
    assert action.text is None


def test_equal_scores_stand_in_the_order_given():
    action = best(np.zeros(4, np.float32), k=2, ties=np.array([3, 1, 0, 2]))
    assert action.items == (3, 1)


def test_what_is_not_allowed_is_not_recommended():
    allowed = np.array([False, True, False, True])
    assert best(np.array([4, 3, 2, 1], np.float32), k=4, allowed=allowed).items == (1, 3)
    assert best(np.ones(4, np.float32), k=4, allowed=np.zeros(4, bool)).items == ()


@given(scores, st.integers(1, 15), st.data())
def test_best_is_a_stable_sort_cut_at_k(values, k, data):
    array = np.array(values, np.float32)
    size = len(array)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    ties = data.draw(st.permutations(range(size)))
    expected = sorted((i for i in range(size) if allowed[i]), key=lambda i: (-values[i], ties.index(i)))[:k]
    action = best(array, k, allowed, np.array(ties))
    assert list(action.items) == expected
    assert list(action.scores) == [values[i] for i in expected]


@pytest.fixture
def split():
    turns = (
        Turn("user", "a"),
        Turn("system", "b", recommended=(2, 0)),
        Turn("user", "c"),
        Turn("system", "d"),
    )
    return Split(dialogues=(Dialogue("1", turns), Dialogue("2", (*turns[:3], Turn("system", "e", (), (2,))))))


def test_recommendations_are_the_labelled_turns(split):
    found = [([turn.text for turn in before], items) for before, items in recommendations(split)]
    assert found == [(["a"], (2, 0)), (["a"], (2, 0)), (["a", "b", "c"], (2,))]


def test_popularity_counts_labels(split):
    assert popularity(split, 4).tolist() == [2, 0, 3, 0]
    assert popularity(Split(), 2).tolist() == [0, 0]
