"""The learnt combination of the counting features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crsbench_classic.hybrid import Hybrid
from crsbench_classic.options import HybridOptions
from crsbench_classic.table import CONTEXT, Features

from crsbench.errors import DataError
from crsbench.types import Catalog, Dialogue, Mention, Split, State, Turn

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
    table = policy.features.table(STATES)
    assert table.items.shape == (3, 10)
    for row, items in zip(scores, table.items, strict=True):
        others = np.setdiff1d(np.arange(12), items)
        assert row[others].max() < row[items].min()


def test_training_rows_do_not_see_their_own_fold(context) -> None:
    catalog: Catalog = context.catalog
    dialogues = context.train.dialogues
    own = dialogues[0]
    asked = [State(own.turns[:1])]
    inside = Features.fit(dialogues, catalog, 12).table(asked, own.fold)
    kept = [dialogue for dialogue in dialogues if dialogue.fold != own.fold]
    without = Features.fit(kept, catalog, 12).table(asked)
    np.testing.assert_allclose(inside.features, without.features, rtol=1e-5)


def test_the_state_is_described(context) -> None:
    features = Features.fit(context.train.dialogues, context.catalog, 12)
    turns = (
        Turn("user", "Film Alpha is a comedy", (Mention("Film Alpha", 0, (0, 10)),)),
        Turn("system", "Film Beta then?", (Mention("Film Beta", 1, (0, 9)),)),
    )
    described = features.table([State(turns), State(())]).features[:, 0, -len(CONTEXT) : -1]
    np.testing.assert_array_equal(described, [[2, 2, 1, 1, 0, 3, 1, 1], [0] * 8])


def test_what_is_named_or_seems_to_be_may_be_repeated(context) -> None:
    features = Features.fit(context.train.dialogues, context.catalog, 12)
    turns = Turn("user", "Film Alpha?", (Mention("Film Alpha", 0, (0, 10)),)), Turn("system", "Or Film Betta")
    table = features.table([State(turns)])
    column = features.names.index("repeated")
    chance = features.repeats.probabilities([State(turns)])[0]
    np.testing.assert_allclose(table.features[0, :, column], [chance] * 2 + [0] * 10)
    np.testing.assert_allclose(table.features[0, :, -1], chance)


def test_without_labels_there_is_nothing_to_learn(context) -> None:
    with pytest.raises(DataError, match="train labels no recommendation"):
        Hybrid().fit(Split((Dialogue("1", (Turn("user", "hello"),)),)), context)
