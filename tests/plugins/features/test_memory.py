"""The retrieval memory: what it remembers, and that a fold does not see itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crsbench_features import remembered
from crsbench_features.memory import NAMES, THOROUGH, Memory
from crsbench_features.reading import Rows
from safetensors.numpy import load_file, save_file

from crsbench.errors import DataError
from crsbench.types import FOLDS, Catalog, Dialogue, Mention, State, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]


def state(text: str, *mentions: Mention) -> State:
    return State((Turn("user", text, mentions),))


@pytest.fixture(scope="module")
def memory(toy: Toy) -> Memory:
    catalog, dialogues = toy
    return Memory.fit(dialogues, catalog)


def columns(memory: Memory, states: list[State], fold: int | None = None) -> np.ndarray:
    """[S, F, I]"""
    return np.stack(list(memory.columns(states, fold)), axis=1)


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
    found = columns(memory, QUERIES)
    assert found.shape == (3, len(memory.names), 12)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    popularity = found[:, memory.names.index("popularity")]
    assert (popularity == popularity[0]).all()
    assert popularity.max() == 1


def test_a_state_without_words_is_no_error(memory: Memory) -> None:
    assert np.isfinite(columns(memory, [State(()), state("")])).all()
    assert columns(memory, []).shape == (0, len(memory.names), 12)


def test_each_state_is_answered_alone(memory: Memory) -> None:
    for fold in (0, None, 3):
        together = columns(memory, QUERIES, fold)
        for one, query in zip(together, QUERIES, strict=True):
            np.testing.assert_allclose(one, columns(memory, [query], fold)[0], rtol=1e-5)


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
    np.testing.assert_array_equal(columns(poisoned, QUERIES, fold), columns(memory, QUERIES, fold))
    other = (fold + 1) % FOLDS
    for seen in (None, other):  # every source moves where it may be seen
        moved = columns(poisoned, QUERIES, seen) != columns(memory, QUERIES, seen)
        assert moved.any(axis=(0, 2)).all()


def test_what_is_saved_is_what_is_loaded(memory: Memory, tmp_path: Path) -> None:
    memory.save(tmp_path)
    loaded = Memory.load(tmp_path)
    for fold in (None, 2):
        np.testing.assert_array_equal(columns(loaded, QUERIES, fold), columns(memory, QUERIES, fold))


def test_what_another_version_saved_is_not_read(memory: Memory, tmp_path: Path) -> None:
    memory.save(tmp_path)
    file = tmp_path / "memory.safetensors"
    save_file({name: array for name, array in load_file(file).items() if name != "by_row"}, file)
    with pytest.raises(DataError, match="another version"):
        Memory.load(tmp_path)


def test_in_a_large_catalogue_more_is_counted(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(remembered, "FEW", 11)
    catalog, dialogues = toy
    large = Memory.fit(dialogues, catalog)
    assert large.names == (*NAMES, *THOROUGH)
    found = columns(large, QUERIES, 2)
    kept = columns(Memory.fit([d for d in dialogues if d.fold != 2], catalog), QUERIES)
    np.testing.assert_allclose(found, kept, atol=1e-5)
    of_beta = found[1, -2:]  # mentions Film Beta: what stands beside it
    assert (of_beta[:, 1] == 0).all()
    assert of_beta.any(axis=1).all()
    ridge, like, together = found[0, -5:-2]
    assert ridge.argmax() == 2  # its title is said
    np.testing.assert_allclose(like, ridge @ large.reader.links.similar(Rows(np.eye(12))), rtol=1e-4)
    pairs = large._view(2)._pairs.together(Rows(np.eye(12, dtype=np.float32)))
    np.testing.assert_allclose(together, ridge @ pairs, rtol=1e-4)
    large.save(tmp_path)
    np.testing.assert_array_equal(columns(Memory.load(tmp_path), QUERIES, 2), found)
