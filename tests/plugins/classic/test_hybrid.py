"""The learnt combination of the counting features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_classic.hybrid import Hybrid
from crsbench_classic.options import HybridOptions
from crsbench_features import rankers, remembered
from crsbench_features.boosting import dataset
from crsbench_features.candidates import Candidates, Found
from crsbench_features.rankers import RANKERS, WHOLE

from crsbench.errors import DataError
from crsbench.types import Dialogue, Mention, Row, Split, State, Turn

OPTIONS = HybridOptions(trees=20)
STATES = [
    State((Turn("user", f"I like {genre} films", (Mention(genre, None, (7, 7 + len(genre))),)),))
    for genre in ("comedy", "horror", "western")
]


@pytest.fixture
def context(toy_context):
    """Where the system recommends what was asked for: the genre that was named."""
    catalog = toy_context.catalog
    obedient = []
    for n in range(200):
        item = n % 12
        genre = catalog.items[item].attributes["genre"][0]
        said = Turn("user", f"I like {genre} films", (Mention(genre, None, (7, 7 + len(genre))),))
        obedient.append(Dialogue(f"o{n}", (said, Turn("system", "Try it.", (), (item,)))))
    toy_context.train = Split(tuple(obedient))
    toy_context.valid = Split(tuple(obedient[:30]))
    return toy_context


def test_it_learns_to_follow_what_was_named(context, tmp_path: Path) -> None:
    policy = Hybrid(OPTIONS).fit(context.train, context)
    actions = policy.act(STATES, k=4)
    for genre, action in zip((0, 1, 2), actions, strict=True):
        assert {item % 3 for item in action.items} == {genre}
    assert all(0 < value <= 1 for line in context.scalars for value in line.values())

    again = Hybrid(OPTIONS).fit(context.train, context)
    assert again.act(STATES, k=12) == policy.act(STATES, k=12)
    policy.save(tmp_path)
    assert Hybrid().load(tmp_path).act(STATES, k=12) == policy.act(STATES, k=12)
    assert (tmp_path / "ranker-0.txt").read_text().startswith("tree")


def test_what_is_no_candidate_stands_behind(context) -> None:
    policy = Hybrid(HybridOptions(trees=5, candidates=10)).fit(context.train, context)
    scores = list(policy.scores(STATES))
    found = policy.candidates.find(STATES)
    assert found.items.shape == (3, 10)
    for row, items in zip(scores, found.items, strict=True):
        others = np.setdiff1d(np.arange(12), items)
        assert row[others].max() < row[items].min()


def test_valid_is_remembered_where_items_are_many_and_read_out_of_its_fold(
    context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[tuple[State, int | None]] = set()
    find = Candidates.find

    def spy(self: Candidates, states: Sequence[State], fold: int | None = None) -> Found:
        asked.update((state, fold) for state in states)
        return find(self, states, fold)

    planted = Dialogue("p", (Turn("user", "a spaceship, please"), Turn("system", "Try it.", (), (11,))))
    state = State(planted.turns[:1])
    context.valid = Split((planted,), (Row("p-1", "p", state, (11,)),))
    votes = {}
    for few in (12, 11):  # of twelve items
        monkeypatch.setattr(remembered, "FEW", few)
        for valid in (context.valid, Split(context.valid.dialogues)):
            context.valid = valid
            with monkeypatch.context() as patched:
                patched.setattr(Candidates, "find", spy)
                policy = Hybrid(OPTIONS).fit(context.train, context)
            (votes[few],) = next(policy.candidates.memory.columns([state]))
            (left_out,) = next(policy.candidates.memory.columns([state], planted.fold))
            assert left_out[11] == 0
            assert {fold for one, fold in asked if one == state} == {None if few == 12 else planted.fold}
            asked.clear()
    assert votes[12][11] == 0
    assert votes[11].argmax() == 11


@pytest.mark.parametrize("by_row", [False, True])
def test_what_a_row_leaves_out_is_as_the_corpus_is_split(context, tmp_path: Path, by_row: bool) -> None:
    policy = Hybrid(OPTIONS).fit(replace(context.train, by_row=by_row), context)
    policy.save(tmp_path)
    for one in (policy, Hybrid().load(tmp_path)):
        assert one.candidates.memory.by_row == by_row


@pytest.mark.parametrize("only", ["dialogues", "rows"])
def test_valid_stops_rankers_of_train_and_is_then_learnt_from(
    context, monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    """Whether valid has dialogues alone, or rows alone."""
    if only == "rows":
        told = context.valid.dialogues
        rows = [Row(d.id, d.id, State(d.turns[:1]), d.turns[1].recommended) for d in told]
        context.valid = Split((), tuple(rows))
    made: list[tuple[int, int]] = []  # rows and lines of each table that trees learn from or are judged by

    def spy(lines: np.ndarray, hits: np.ndarray, sizes: list[int], like: Any = None) -> Any:
        made.append((len(sizes), len(lines)))
        return dataset(lines, hits, sizes, like)

    monkeypatch.setattr(rankers, "dataset", spy)
    monkeypatch.setattr(rankers, "NEGATIVES", 3)
    policy = Hybrid(OPTIONS).fit(context.train, context)
    apart, (valid, lines_of_valid), both = made[:RANKERS], made[RANKERS], made[RANKERS + 1 :]
    assert sum(rows for rows, _ in apart) == (RANKERS - 1) * 200  # each row is left out by one
    assert (valid, lines_of_valid) == (30, 30 * 12)  # judged whole
    assert [rows for rows, _ in both] == [230] * WHOLE
    assert all(lines < 230 * 8 for _, lines in both)  # learnt from in part
    boosters = policy.rankers.boosters
    assert len({ranker.num_trees() for ranker in boosters}) == 1
    assert len({ranker.model_to_string() for ranker in boosters}) == RANKERS + WHOLE


def test_few_dialogues_are_too_few(context) -> None:
    one = Split(context.train.dialogues[:1])
    with pytest.raises(DataError, match="too few rows of train, or of valid"):
        Hybrid(OPTIONS).fit(one, context)


def test_without_labels_there_is_nothing_to_learn(context) -> None:
    with pytest.raises(DataError, match="train labels no recommendation"):
        Hybrid().fit(Split((Dialogue("1", (Turn("user", "hello"),)),)), context)
