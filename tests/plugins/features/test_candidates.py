"""What counting says of a state and its candidates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crsbench_features import remembered
from crsbench_features.candidates import Candidates
from crsbench_features.connections import CONTEXT, GUESSED
from crsbench_features.folds import left_out, seen_dialogues, stays
from crsbench_features.fusion import SOURCES, fused
from crsbench_features.memory import Memory

from crsbench.types import Catalog, Dialogue, Mention, State, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]
ALPHA = Turn("user", "Film Alpha is a comedy", (Mention("Film Alpha", 0, (0, 10)),))
BETA = Turn("system", "Film Beta then?", (Mention("Film Beta", 1, (0, 9)),))
MISSPELT = Turn("system", "Or Film Betta")


@pytest.fixture(scope="module")
def candidates(toy: Toy) -> Candidates:
    return Candidates.fit(toy[1], toy[0], 12)


def test_training_rows_do_not_see_their_own_fold(toy: Toy) -> None:
    own = toy[1][0]
    asked = [State(own.turns[:1])]
    inside = Candidates.fit(toy[1], toy[0], 12).find(asked, own.fold)
    kept = [dialogue for dialogue in toy[1] if dialogue.fold != own.fold]
    without = Candidates.fit(kept, toy[0], 12).find(asked)
    np.testing.assert_allclose(inside.features, without.features, rtol=1e-5)


def test_by_row_they_see_the_rest_of_their_dialogue(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Just what a split would have left that never held the row, nor any other of its fold."""
    monkeypatch.setattr(remembered, "FEW", 11)
    known = Candidates.fit(toy[1], toy[0], 12, by_row=True)
    known.save(tmp_path)
    for candidates in (known, Candidates.load(tmp_path, 12)):
        for own in toy[1][:2]:
            for before in (own.turns[:1], own.turns[:3]):
                fold = left_out(before, own.fold, True)
                dialogues, seen = seen_dialogues(toy[1], True)
                kept = [one for one, there in zip(dialogues, stays(seen, fold), strict=True) if there]
                assert own.id in {one.id for one in kept}
                found = candidates.find([State(before)], fold)
                without = Candidates.fit(kept, toy[0], 12).find([State(before)])
                np.testing.assert_array_equal(found.items, without.items)
                np.testing.assert_allclose(found.features, without.features, rtol=2e-3, atol=1e-5)
                np.testing.assert_allclose(found.fused, without.fused, rtol=1e-4)
                assert (found.features != candidates.find([State(before)]).features).any()


def test_the_state_is_described(candidates: Candidates) -> None:
    found = candidates.find([State((ALPHA, BETA)), State(())])
    assert candidates.names[-len(CONTEXT) :] == CONTEXT
    described = found.features[:, :, -len(CONTEXT) :]
    assert (described == described[:, :1]).all()
    np.testing.assert_array_equal(described[:, 0, :-1], [[2, 2, 1, 1, 0, 3, 1, 1], [0] * 8])


def test_what_is_named_or_seems_to_be_may_be_repeated(candidates: Candidates) -> None:
    state = State((ALPHA, MISSPELT))
    found = candidates.find([state])
    chance = candidates.repeats.probabilities([state])[0]
    repeated = found.features[0, :, candidates.names.index("repeated")]
    np.testing.assert_allclose(repeated, [chance] * 2 + [0] * 10, rtol=1e-3)
    np.testing.assert_allclose(found.features[0, :, -1], chance, rtol=1e-3)


def test_the_items_with_the_most_evidence_are_the_candidates(toy: Toy, candidates: Candidates) -> None:
    states = [State(d.turns[:at]) for d in toy[1][:6] for at in (1, 3)]
    everything, few = candidates.find(states), Candidates.fit(toy[1], toy[0], 4).find(states)
    again = [name for name in (GUESSED + source for source in SOURCES) if name in candidates.names]
    at = [candidates.names.index(name) for name in (*SOURCES, *again)]
    score = fused([everything.features[:, :, f] for f in at], everything.fused.shape)
    for s, items in enumerate(few.items):
        assert set(items.tolist()) == set(np.argsort(-score[s], kind="stable")[:4].tolist())
        np.testing.assert_array_equal(few.features[s], everything.features[s, items])


@pytest.mark.parametrize("spelt", [False, True])
def test_a_generous_reader_finds_what_only_seems_to_be_named(toy: Toy, spelt: bool, tmp_path: Path) -> None:
    """Whether train, or the batch of states, holds anything that only seems to be named, or nothing."""
    more = Dialogue("m", (ALPHA, MISSPELT, Turn("user", "no"), Turn("system", "Well.", (), (5,))))
    train = (*toy[1], more) if spelt else toy[1]
    found = Candidates.fit(train, toy[0], 12)
    assert found.memory.same(found.guessing) is not spelt
    sure, unsure = State((ALPHA, BETA)), State((ALPHA, MISSPELT))
    alone, beside = found.find([sure]), found.find([sure, unsure])
    np.testing.assert_array_equal(alone.features[0], beside.features[0])  # whatever stands beside it

    reader = Memory.fit(train, toy[0]).generous(train)
    names = ("entities", "cooccurrence", "ease", "popularity-linked:last")
    for name, expected in zip(names, reader.columns([sure, unsure], names=names), strict=True):
        column = beside.features[:, :, found.names.index(GUESSED + name)]
        np.testing.assert_array_equal(column, expected.astype(np.float16))
    times = beside.features[1, :, found.names.index(f"{GUESSED}times")]
    np.testing.assert_array_equal(times, [1, 1] + [0] * 10)

    found.save(tmp_path)
    assert (tmp_path / "guessing").exists() is spelt
    again = Candidates.load(tmp_path, 12)
    for fold in (None, 1):
        before, after = found.find([sure, unsure], fold), again.find([sure, unsure], fold)
        np.testing.assert_array_equal(after.features, before.features)
