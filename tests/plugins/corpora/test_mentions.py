"""Locating entities: whole words first, turn by turn, and complete whenever an assignment exists."""

import pytest
from crsbench_corpora.mentions import assign, find
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "text", "span"),
    [
        ("Us", "just Us", (5, 7)),  # not the "us" in "just"
        ("thriller", "Other Thrillers", (6, 14)),  # only a part of a word is there
        ("W.", "have you seen W.?", (14, 16)),
        ("Up", "nothing", None),
        ("Titanic", "I İ saw TITANIC", (8, 15)),  # a lower-cased İ is two characters: spans stay in the text
    ],
)
def test_find(name, text, span):
    assert find(name, text) == span


def test_a_repeated_name_belongs_to_a_later_turn():
    texts = ["Do you like X-Men 2?", "Bryan Singer directed X-Men 2.", "I see"]
    names = ["X-Men 2", "X-Men", "X-Men 2", "X-Men", "Bryan Singer"]
    assert [turn for turn, _ in assign(names, texts)] == [0, 0, 1, 1, 1]


def test_a_name_without_a_turn_is_named():
    with pytest.raises(ValueError, match="Rocky"):
        assign(["Jaws", "Rocky"], ["Rocky", "Jaws"])  # both are there, but not in this order


@given(st.lists(st.lists(st.sampled_from(["a", "ab", "b", "c d"]), unique=True), max_size=5), st.data())
def test_every_true_assignment_is_matched_and_never_overtaken(turns, data):
    texts = [" ".join(["x", *data.draw(st.permutations(names)), "x"]) for names in turns]
    names = [name for turn in turns for name in turn]
    truth = [index for index, turn in enumerate(turns) for _ in turn]
    found = assign(names, texts)
    assert all(turn <= true for (turn, _), true in zip(found, truth, strict=True))
    assert all(texts[turn][start:end] == n for n, (turn, (start, end)) in zip(names, found, strict=True))
