"""Whether what was named before comes again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crsbench_features.examples import examples
from crsbench_features.reading import Reader
from crsbench_features.repeats import Repeats

from crsbench.types import FOLDS, Catalog, Dialogue, Item, Mention, State, Turn

CATALOG = Catalog((Item("a", "Heat"), Item("b", "Solaris")))
HEAT = (Mention("Heat", 0),)


def dialogue(n: int, said: str, item: int) -> Dialogue:
    turns = Turn("user", said, HEAT), Turn("system", "Well.", (), (item,))
    return Dialogue(str(n), turns)


TRAIN = [dialogue(n, *(("who is in Heat", 0), ("something like Heat", 1))[n % 2]) for n in range(60)]


def test_words_tell_repeats_from_the_rest(tmp_path: Path) -> None:
    reader = Reader(CATALOG, {})
    reader.learn(["who is in something like Heat"])
    repeats = Repeats.fit(reader, list(examples(TRAIN)))
    states = [State((Turn("user", text, HEAT),)) for text in ("who is in it", "something like it", "hm")]
    again, other, unknown = repeats.probabilities(states)
    assert other < 0.3 < unknown < 0.7 < again
    repeats.save(tmp_path)
    loaded = Repeats.load(tmp_path, reader)
    np.testing.assert_array_equal(loaded.probabilities(states), [again, other, unknown])
    for fold in range(FOLDS):
        before = repeats.probabilities(states, fold)
        np.testing.assert_array_equal(loaded.probabilities(states, fold), before)


def test_a_fold_does_not_see_itself() -> None:
    reader = Reader(CATALOG, {})
    reader.learn(["who is in something like Heat"])
    state = [State((Turn("user", "who is in Heat", HEAT),))]
    for fold in range(FOLDS):
        kept = [one for one in TRAIN if one.fold != fold]
        alone = Repeats.fit(reader, list(examples(kept))).probabilities(state)
        inside = Repeats.fit(reader, list(examples(TRAIN))).probabilities(state, fold)
        np.testing.assert_allclose(inside, alone, rtol=1e-5)


@pytest.mark.parametrize("rows", [TRAIN[::2], []])
def test_where_all_rows_agree_the_odds_are_even(rows: list[Dialogue]) -> None:
    reader = Reader(CATALOG, {})
    repeats = Repeats.fit(reader, list(examples(rows)))
    assert repeats.probabilities([State((Turn("user", "who", HEAT),)), State(())]).tolist() == [0.5, 0.5]
