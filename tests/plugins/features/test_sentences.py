"""Neighbours by meaning, with vectors that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crsbench_features import remembered, sentences
from crsbench_features.reading import Rows
from crsbench_features.sentences import Sentences

from crsbench.types import Catalog, Dialogue, Item, State, Turn
from tests.plugins.axes import Axes

CATALOG = Catalog(
    (Item("a", "Heat", 1995, {"genre": ("crime", "drama")}), Item("b", "Jaws"), Item("c", "Up"))
)

NONE = Rows((2, 3), dtype=np.float32)  # no item is named


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "Encoder", Axes)


def asks(name: str, text: str, item: int) -> Dialogue:
    return Dialogue(name, (Turn("user", text), Turn("system", "Sure", (), (item,))))


TRAIN = (asks("1", "crime please", 0), asks("2", "sharks please", 1), asks("3", "crime again", 2))


def test_rows_and_dialogues_of_like_meaning_vote() -> None:
    found = Sentences.fit(TRAIN, CATALOG)
    rows, dialogues, items = found.columns([State((Turn("user", "crime now"),)), State(())], NONE, None)
    np.testing.assert_allclose(rows, [[np.log(2), 0, np.log(2)], [0, 0, 0]], rtol=1e-6)
    assert dialogues[0, 1] == 0 < dialogues[0, 0] < rows[0, 0]  # the whole dialogue says other things too
    assert not items.any()


def test_an_item_is_described_by_what_is_known_of_it() -> None:
    found = Sentences.fit(TRAIN, CATALOG)
    *_, items = found.columns([State((Turn("user", "Up or down?"),))], NONE, None)
    np.testing.assert_array_equal(items, [[0, 0, 1]])
    assert sentences._in_words(CATALOG.items[0]) == "Heat (1995). crime, drama"


def test_the_own_fold_does_not_vote(tmp_path: Path) -> None:
    found = Sentences.fit(TRAIN, CATALOG)
    state = State((Turn("user", "crime now"),))
    rows, dialogues, _ = found.columns([state], NONE, None, TRAIN[0].fold)
    kept = [one for one in TRAIN if one.fold != TRAIN[0].fold]
    without = Sentences.fit(kept, CATALOG)
    for column, expected in zip((rows, dialogues), without.columns([state], NONE, None), strict=False):
        np.testing.assert_array_equal(column, expected)
        assert column[0, 0] == 0
    found.save(tmp_path)
    for loaded, kept_column in zip(
        Sentences.load(tmp_path).columns([state], NONE, None), found.columns([state], NONE, None), strict=True
    ):
        np.testing.assert_array_equal(loaded, kept_column)


def test_by_row_the_rest_of_the_own_dialogue_votes() -> None:
    turns = (*TRAIN[0].turns, Turn("user", "crime again"), Turn("system", "Sure", (), (2,)))
    known = (*TRAIN[1:], Dialogue("4", turns, group=0))  # its rows are of folds 1 and 3
    state = State(turns[:1])
    found, whole = (Sentences.fit(known, CATALOG, by_row) for by_row in (True, False))
    rows, dialogues, _ = found.columns([state], NONE, None, 1)
    cut, *_ = found.columns([state], NONE, None, 3)
    assert rows[0, 0] == dialogues[0, 0] == 0 < min(rows[0, 2], dialogues[0, 2])
    assert cut[0, 0] > 0
    for by_row, column in zip(
        found.columns([state], NONE, None), whole.columns([state], NONE, None), strict=True
    ):
        np.testing.assert_array_equal(by_row, column)


def test_descriptions_answer_what_was_said_and_named(tmp_path: Path) -> None:
    about = ("sharks at sea", "sharks on land", "", "cops")
    catalog = Catalog(tuple(Item(str(n), f"Film {n}", description=text) for n, text in enumerate(about)))
    found = Sentences.fit(TRAIN, catalog)
    named = Rows(np.array([[1, 0, 0, 0], [0, 0, 0, 0]], np.float32))
    states = [State((Turn("user", "sharks please"),)), State(())]
    columns = dict(zip(found.names, found.columns(states, named, None), strict=True))
    said, alike = columns["description-sentences:said"], columns["description-sentences:named"]
    # Less the mean, (2, 1) / 3 on the axes of sharks and cops, a shark film is (1, -1) / sqrt(2).
    np.testing.assert_allclose(said, [[1 / np.sqrt(2), 1 / np.sqrt(2), 0, 0], [0] * 4], atol=1e-6)
    np.testing.assert_allclose(alike, [[0, 1, 0, 0], [0] * 4], atol=1e-6)
    found.save(tmp_path)
    again = Sentences.load(tmp_path)
    assert again.names == found.names
    both = (one.columns(states, named, None) for one in (again, found))
    for loaded, kept in zip(*both, strict=True):
        np.testing.assert_array_equal(loaded, kept)


def test_a_vote_for_an_item_is_one_for_what_means_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "FEW", 3)
    about = ("sharks at sea", "sharks on land", "", "cops")
    titles = ("Sharks", "Crime", "Crime and sharks", "Up")
    items = (Item(str(n), title, description=about[n]) for n, title in enumerate(titles))
    found = Sentences.fit(TRAIN, Catalog(tuple(items)))
    none, regressed = Rows((2, 4)), np.array([[2, 0, 0, 1], [0, 0, 3, 0]], np.float32)
    columns = dict(zip(found.names, found.columns([State(())] * 2, none, regressed), strict=True))
    # A shark film is (1, -1) / sqrt(2), less the mean, and cops are the opposite.
    np.testing.assert_allclose(columns["ridge:description"], [[1, 1, 0, 0], [0] * 4], atol=1e-6)
    vectors = Axes().embed(titles)
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = np.maximum(regressed @ vectors @ vectors.T, 0)
    assert (expected[0] > 0).sum() > 1
    np.testing.assert_allclose(columns["ridge:meaning"], expected, atol=1e-6)
    found.save(tmp_path)
    assert Sentences.load(tmp_path).names == found.names
