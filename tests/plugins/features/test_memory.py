"""The retrieval memory: what it remembers, and that a fold does not see itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crsbench_features.memory import Memory

from crsbench.types import FOLDS, Catalog, Dialogue, Mention, State, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]


def state(text: str, *mentions: Mention) -> State:
    return State((Turn("user", text, mentions),))


@pytest.fixture(scope="module")
def memory(toy: Toy) -> Memory:
    catalog, dialogues = toy
    return Memory.fit(dialogues, catalog)


QUERIES = [
    state("I like comedy films, not Film Gamma", Mention("comedy")),
    State(
        (
            Turn("user", "I like Film Beta", (Mention("Film Beta", 1),)),
            Turn("system", "For which mood, mood1?", (Mention("mood1"),)),
            Turn("user", "Film Beta is one, yes", (Mention("Film Beta", 1),)),
        )
    ),
    state("hello"),
]


def test_features_cover_the_catalogue(memory: Memory) -> None:
    found = memory.features(QUERIES)
    assert found.shape == (3, len(memory.names), 12)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    popularity = found[:, memory.names.index("popularity")]
    assert (popularity == popularity[0]).all()
    assert popularity.max() == 1


def test_a_state_without_words_is_no_error(memory: Memory) -> None:
    assert np.isfinite(memory.features([State(()), state("")])).all()
    assert memory.features([]).shape == (0, len(memory.names), 12)


def test_each_state_is_answered_alone(memory: Memory) -> None:
    together = memory.features(QUERIES, [0, None, 3])
    for i, fold in enumerate((0, None, 3)):
        np.testing.assert_allclose(together[i], memory.features([QUERIES[i]], fold)[0], rtol=1e-5)


def planted(toy: Toy, fold: int) -> Dialogue:
    """A dialogue of the fold that asks exactly what QUERIES ask, and recommends item 5."""
    names = (f"planted {n}" for n in range(10_000))
    id_ = next(name for name in names if Dialogue(name, ()).fold == fold)
    asked = (turn for query in QUERIES for turn in query.history)
    said = Turn("system", "planted words: Film Zeta", (Mention("Film Zeta", 5),), (5,))
    return Dialogue(id_, (*asked, said))


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_row_planted_in_the_own_fold_changes_nothing(toy: Toy, memory: Memory, fold: int) -> None:
    catalog, dialogues = toy
    poisoned = Memory.fit((*dialogues, *[planted(toy, fold)] * 20), catalog)
    np.testing.assert_array_equal(poisoned.features(QUERIES, fold), memory.features(QUERIES, fold))
    other = (fold + 1) % FOLDS
    for seen in (None, other):  # every source moves where it may be seen
        moved = poisoned.features(QUERIES, seen) != memory.features(QUERIES, seen)
        assert moved.any(axis=(0, 2)).all()


def test_what_is_saved_is_what_is_loaded(memory: Memory, tmp_path: Path) -> None:
    memory.save(tmp_path)
    loaded = Memory.load(tmp_path)
    for fold in (None, 2):
        np.testing.assert_array_equal(loaded.features(QUERIES, fold), memory.features(QUERIES, fold))
