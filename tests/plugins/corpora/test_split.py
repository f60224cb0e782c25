"""Splits by people: nobody of valid is met in train."""

from __future__ import annotations

from crsbench_corpora.split import ByPeople, by_people
from hypothesis import given
from hypothesis import strategies as st

from crsbench.types import FOLDS

PAIRS = st.lists(st.frozensets(st.integers(0, 12), min_size=2, max_size=2), max_size=40)


@given(PAIRS, st.integers(0, 100))
def test_nobody_is_in_both(pairs: list[frozenset[int]], per_cent: int) -> None:
    split = by_people(dict(enumerate(pairs)), per_cent)
    trained = {one for at in split.train for one in pairs[at]}
    held_out = {one for at in split.valid for one in pairs[at]}
    assert not trained & held_out
    first = len(pairs) * (100 - per_cent) // 100
    newcomers = {one for pair in pairs[first:] for one in pair}.difference(*pairs[:first])
    assert split.valid == {at for at, pair in enumerate(pairs) if pair <= newcomers}
    between = {*range(len(pairs))} - split.train - split.valid
    assert all(len(pairs[at] & held_out) <= 1 for at in between)
    assert list(split.group) == list(range(len(pairs)))
    assert list(split.group.values()) == sorted(split.group.values())
    sizes = [list(split.group.values()).count(fold) for fold in range(FOLDS)]
    assert max(sizes) - min(sizes) <= 1


def test_where_all_have_met_before_nothing_is_valid() -> None:
    split = by_people({at: {1, 2} for at in range(10)}, 20)
    assert split == ByPeople(set(range(10)), set(), {at: at // 2 for at in range(10)})
    assert by_people({1: frozenset()}, 100) == ByPeople({1}, set(), {1: 0})
