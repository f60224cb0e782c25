"""Trees over features: they find what tells, and judge no row of train by its own answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_features import rankers
from crsbench_features.rankers import RANKERS, WHOLE, Labelled, Rankers

from crsbench.errors import DataError

NAMES = ("text", "walk:last", "turns")  # the last is known of the state alone


def rows(rng: np.random.Generator, number: int, told: bool = True) -> list[Labelled]:
    """Of the folds in turn: the target is the likeliest by two features, or any."""
    made = []
    for n in range(number):
        features = rng.random((20, 3)).astype(np.float16)
        features[:, 2] = n % 7
        best = features[:, 0] * features[:, 1] if told else rng.random(20)
        made.append(Labelled(features, np.arange(20) == best.argmax(), n % 5))
    return made


def first(found: Rankers, made: list[Labelled], fold: int | None) -> float:
    """How often the target is ranked first."""
    return float(np.mean([row.hits[found.scores(row.features[None], fold)[0].argmax()] for row in made]))


@pytest.fixture
def found(toy_context: Any) -> Rankers:
    rng = np.random.default_rng(0)
    train, valid = rows(rng, 600), rows(rng, 100)
    return Rankers.fit(train, valid, NAMES, 300, toy_context).whole([*train, *valid], 0.0, toy_context)


def test_trees_find_what_two_features_tell_together(found: Rankers) -> None:
    test = rows(np.random.default_rng(1), 200)
    assert len(found.boosters) == RANKERS + WHOLE
    assert first(found, test, None) > 0.75  # by the first feature alone .46, by chance .05
    assert all(first(found, test, fold) > 0.6 for fold in range(5))


def test_a_row_is_judged_by_the_ranker_that_has_not_seen_it(
    toy_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing tells, a ranker that has seen a row knows its target by heart."""
    monkeypatch.setattr(rankers, "NEGATIVES", 1000)
    rng = np.random.default_rng(0)
    train = rows(rng, 600, told=False)
    # Stopped by rows of train, so that no ranker is stopped before it knows by heart what it has seen.
    made = Rankers.fit(train, train[:100], NAMES, 300, toy_context)
    for fold in range(5):
        own = [row for row in train if row.fold == fold]
        assert first(made, own, fold) < 0.13  # by chance .05
        assert first(made, own, fold + 1) > 0.3


def test_valid_is_learnt_from_once_it_has_chosen(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rankers, "NEGATIVES", 1000)
    rng = np.random.default_rng(0)
    train, valid = rows(rng, 600, told=False), rows(rng, 200, told=False)
    before = Rankers.fit(
        train, train[:100], NAMES, 300, toy_context
    )  # as above: late enough to know by heart
    after = before.whole([*train, *valid], 0.5, toy_context)
    assert first(before, valid, None) < 0.13  # by chance .05
    assert first(after, valid, None) > 0.3
    assert after.boosters[:RANKERS] == before.boosters
    assert len(before.boosters) == RANKERS
    assert len(after.boosters) == RANKERS + WHOLE
    assert after.offset == 0.5
    assert len({booster.num_trees() for booster in after.boosters}) == 1
    assert len({booster.model_to_string() for booster in after.boosters}) == RANKERS + WHOLE


def test_one_of_no_fold_is_judged_by_the_mean_of_the_three_before_there_are_others(found: Rankers) -> None:
    features = rows(np.random.default_rng(2), 1)[0].features[None]
    three = Rankers(NAMES, found.boosters[:RANKERS])
    alone = [Rankers(NAMES, [booster]).scores(features, 0) for booster in three.boosters]
    mean = np.mean(alone, axis=0)
    scores = three.scores(features, None)
    np.testing.assert_allclose(scores, mean - mean.min(axis=1, keepdims=True), atol=1e-5)
    assert not np.allclose(scores, found.scores(features, None), atol=1e-3)


def test_scores_start_at_nothing_and_are_the_mean_where_no_fold_is(found: Rankers) -> None:
    one = rows(np.random.default_rng(2), 1)[0]
    both = np.stack([one.features, one.features[::-1]])
    scores = found.scores(both, None)
    np.testing.assert_allclose(scores[0], scores[1][::-1], rtol=1e-6)
    assert scores.min(axis=1).tolist() == [0, 0]
    alone = [Rankers(NAMES, [booster]).scores(both, 0) for booster in found.boosters]
    assert all(one_of.max() > 0 for one_of in alone)
    for n in range(RANKERS):
        np.testing.assert_array_equal(found.scores(both, n), alone[n])
    mean = np.mean(alone[RANKERS:], axis=0)
    np.testing.assert_allclose(scores, mean - mean.min(axis=1, keepdims=True), atol=1e-5)


def test_contributions_add_up_to_what_is_between_two_candidates(found: Rankers) -> None:
    one = rows(np.random.default_rng(3), 1)[0]
    scores = found.scores(one.features[None], None)[0]
    added = np.stack([found.contributions(one.features, c) for c in range(20)])
    assert added.shape == (20, 3)
    between = added.sum(axis=1)
    np.testing.assert_allclose(between - between[0], scores - scores[0], atol=1e-4)
    assert np.abs(added[:, :2]).mean() > 3 * np.abs(added[:, 2]).mean()


def test_where_no_candidate_is_a_target_nothing_is_learnt(toy_context: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    train = [replace(row, hits=row.hits & False) for row in rows(rng, 60)]
    assert Rankers.fit(rows(rng, 60), train, NAMES, 300, toy_context).boosters == []
    none = Rankers.fit(train, rows(rng, 5), NAMES, 300, toy_context)
    assert none.boosters == []
    assert not none.scores(np.ones((2, 4, 3), np.float16), None).any()
    assert none.contributions(np.ones((4, 3), np.float16), 0).tolist() == [0, 0, 0]
    none.save(tmp_path)
    assert Rankers.load(tmp_path, NAMES).boosters == []


def test_it_is_read_back_as_it_was(found: Rankers, tmp_path: Path) -> None:
    found.save(tmp_path)
    again = Rankers.load(tmp_path, NAMES)
    one = rows(np.random.default_rng(4), 1)[0]
    for fold in (None, 0, 1, 2):
        np.testing.assert_array_equal(
            again.scores(one.features[None], fold), found.scores(one.features[None], fold)
        )
    (tmp_path / "ranker-1.txt").unlink()
    with pytest.raises(DataError, match=f"{RANKERS + WHOLE} of {RANKERS + WHOLE + 1} files of rankers"):
        Rankers.load(tmp_path, NAMES)


def test_of_many_rows_some_are_learnt_from(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rankers, "NEGATIVES", 5)
    rng = np.random.default_rng(0)
    made, told = Rankers(NAMES), rows(rng, 100)
    lines, hits, sizes = made._lines(told, 30, rng) or pytest.fail("no lines")
    assert len(sizes) == hits.sum() == 30  # of rows evenly drawn, a target each
    assert sizes.sum() == len(lines) == len(hits)
    assert 4 < sizes.mean() < 8  # a target, and five of nineteen
    _, _, whole = made._lines(told, 100) or pytest.fail("no lines")
    assert whole.tolist() == [20] * 100


def test_what_was_named_gets_the_offset_and_keeps_it(found: Rankers, tmp_path: Path) -> None:
    names = ("times", *NAMES[1:])
    plain, moved = Rankers(names, found.boosters), Rankers(names, found.boosters, 0.7)
    features = rows(np.random.default_rng(6), 1)[0].features
    features[:5, 0] = 0
    expected = plain.scores(features[None], None)[0] + 0.7 * (np.arange(20) >= 5)
    moved.save(tmp_path)
    for one in (moved, Rankers.load(tmp_path, names)):
        scores = one.scores(features[None], None)[0]
        np.testing.assert_allclose(scores, expected - expected.min(), atol=1e-6)
        added = np.array([one.contributions(features, c).sum() for c in range(20)])
        np.testing.assert_allclose(added - added[0], scores - scores[0], atol=1e-4)
