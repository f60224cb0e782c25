"""Truth is sealed: rows carry it under their ids, and nothing that trains can reach it."""

import gc
from types import FunctionType, ModuleType

import numpy as np
import pytest
from crsbench_synthetic import users
from crsbench_synthetic.world import TEST, World, make_world

from crsbench.types import Feedback, Sealed, Truth


def test_rows_have_their_truth(corpus):
    assert {row.id for row in corpus.test.rows} == set(corpus.sealed.truth)
    assert corpus.targets == len(corpus.test.rows)
    dialogues = {dialogue.id: dialogue for dialogue in corpus.test.dialogues}
    for row in corpus.test.rows[:300]:
        dialogue, at = dialogues[row.dialogue], int(row.id.rsplit("-", 1)[1])
        truth = corpus.sealed.truth[row.id]
        shown = [turn.recommended[0] for turn in row.state.history if turn.recommended]
        liked = corpus.sealed.feedback[row.dialogue].liked
        assert row.id == f"{row.dialogue}-{at}"
        assert row.state.history == dialogue.turns[:at]
        assert row.targets == dialogue.turns[at].recommended
        assert truth.utilities.dtype == np.float32
        assert truth.utilities.shape == (300,)
        assert not truth.utilities[shown].any()
        assert truth.satisfied == tuple(liked[item] for item in shown)


def test_utilities_follow_their_equation(corpus):
    world = make_world(300, 0)
    first = next(row for row in corpus.test.rows if len(row.state.history) == 1)
    user = users.draw_user(world, TEST, int(first.dialogue.rsplit("-", 1)[1]))
    item = first.targets[0]
    names = [value for values in world.catalog.items[item].attributes.values() for value in values]
    logit = -1.5 + sum(user.tastes[0][world.entity[name]] for name in names) + world.quality[item]
    assert corpus.sealed.truth[first.id].utilities[item] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-5)


def test_satisfaction_is_drawn_from_the_utilities(corpus):
    p = [corpus.sealed.truth[row.id].utilities[row.targets[0]] for row in corpus.test.rows]
    z = [corpus.sealed.feedback[row.dialogue].liked[row.targets[0]] for row in corpus.test.rows]
    error = np.sqrt(np.mean([u * (1 - u) for u in p]) / len(p))
    assert abs(np.mean(z) - np.mean(p)) < 3.5 * error


def test_training_cannot_reach_the_truth(corpus):
    """Everything that can be reached from what a policy is handed is text, numbers and plain data."""
    seen: set[int] = set()
    todo: list[object] = [corpus.train, corpus.valid, corpus.catalog]
    while todo:
        found = todo.pop()
        if id(found) in seen or isinstance(found, type | ModuleType | FunctionType):
            continue
        seen.add(id(found))
        assert not isinstance(
            found, Truth | Feedback | Sealed | World | users.User | np.ndarray | np.random.Generator
        )
        todo += gc.get_referents(found)
    assert len(seen) > 100_000
