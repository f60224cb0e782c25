"""Trees over the evidence: they find what tells, and judge no row of train by its own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_features import remembered
from crsbench_lm import evidence, ranker, sft
from crsbench_lm.decode import rank
from crsbench_lm.evidence import Evidence, Evidences, Recommended
from crsbench_lm.mixing import LEAST, TIE, HeldOut, fit_weight, offset
from crsbench_lm.model import RANKED
from crsbench_lm.options import HeadOptions, SftOptions, TinyOptions
from crsbench_lm.policy import LanguageModelPolicy, SftPolicy
from crsbench_lm.ranker import RANKERS, WHOLE, Rankers
from hypothesis import given
from hypothesis import strategies as st

from crsbench.errors import DataError
from crsbench.types import Catalog, Dialogue, Row, Split, State, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]
NAMES = ("text", "walk:last", "turns")  # the last is known of the state alone
TINY = TinyOptions(width=32, layers=1, heads=2, vocabulary=400)


def rows(rng: np.random.Generator, number: int, told: bool = True) -> list[Recommended]:
    """Of the folds in turn: the target is the likeliest by two features, or any."""
    made = []
    for n in range(number):
        features = rng.random((20, 3)).astype(np.float16)
        features[:, 2] = n % 7
        items = np.sort(rng.choice(50, 20, replace=False)).astype(np.int32)
        best = features[:, 0] * features[:, 1] if told else rng.random(20)
        one = Evidence(items, features, np.zeros(20, np.float32))
        made.append(Recommended(one, (int(items[best.argmax()]),), n % 5))
    return made


def first(found: Rankers, made: list[Recommended], fold: int | None) -> float:
    """How often the target is ranked first."""
    hits = []
    for row in made:
        scores = found.scores(row.evidence.features[None], fold)[0]
        hits.append(int(row.evidence.items[scores.argmax()]) in row.targets)
    return float(np.mean(hits))


@pytest.fixture
def found(toy_context: Any) -> Rankers:
    rng = np.random.default_rng(0)
    train, valid = rows(rng, 600), rows(rng, 100)
    return Rankers.fit(train, valid, NAMES, toy_context).whole([*train, *valid], 0.0, toy_context)


def test_trees_find_what_two_features_tell_together(found: Rankers) -> None:
    test = rows(np.random.default_rng(1), 200)
    assert len(found.boosters) == RANKERS + WHOLE
    assert first(found, test, None) > 0.75  # by the first feature alone .46, by chance .05
    assert all(first(found, test, fold) > 0.6 for fold in range(5))


def test_a_row_is_judged_by_the_ranker_that_has_not_seen_it(
    toy_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing tells, a ranker that has seen a row knows its target by heart."""
    monkeypatch.setattr(ranker, "NEGATIVES", 1000)
    rng = np.random.default_rng(0)
    train = rows(rng, 600, told=False)
    # Stopped by rows of train, so that no ranker is stopped before it knows by heart what it has seen.
    rankers = Rankers.fit(train, train[:100], NAMES, toy_context)
    for fold in range(5):
        own = [row for row in train if row.fold == fold]
        assert first(rankers, own, fold) < 0.13  # by chance .05
        assert first(rankers, own, fold + 1) > 0.3


def test_valid_is_learnt_from_once_it_has_chosen(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranker, "NEGATIVES", 1000)
    rng = np.random.default_rng(0)
    train, valid = rows(rng, 600, told=False), rows(rng, 200, told=False)
    before = Rankers.fit(train, train[:100], NAMES, toy_context)  # as above: late enough to know by heart
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
    features = rows(np.random.default_rng(2), 1)[0].evidence.features[None]
    three = Rankers(NAMES, found.boosters[:RANKERS])
    alone = [Rankers(NAMES, [booster]).scores(features, 0) for booster in three.boosters]
    mean = np.mean(alone, axis=0)
    scores = three.scores(features, None)
    np.testing.assert_allclose(scores, mean - mean.min(axis=1, keepdims=True), atol=1e-5)
    assert not np.allclose(scores, found.scores(features, None), atol=1e-3)


def test_scores_start_at_nothing_and_are_the_mean_where_no_fold_is(found: Rankers) -> None:
    one = rows(np.random.default_rng(2), 1)[0].evidence
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
    one = rows(np.random.default_rng(3), 1)[0].evidence
    scores = found.scores(one.features[None], None)[0]
    added = np.stack([found.contributions(one.features, c) for c in range(20)])
    assert added.shape == (20, 3)
    between = added.sum(axis=1)
    np.testing.assert_allclose(between - between[0], scores - scores[0], atol=1e-4)
    assert np.abs(added[:, :2]).mean() > 3 * np.abs(added[:, 2]).mean()


def test_where_no_candidate_is_a_target_nothing_is_learnt(toy_context: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    train = [replace(row, targets=(50,)) for row in rows(rng, 60)]
    assert Rankers.fit(rows(rng, 60), train, NAMES, toy_context).boosters == []
    none = Rankers.fit(train, rows(rng, 5), NAMES, toy_context)
    assert none.boosters == []
    assert not none.scores(np.ones((2, 4, 3), np.float16), None).any()
    assert none.contributions(np.ones((4, 3), np.float16), 0).tolist() == [0, 0, 0]
    none.save(tmp_path)
    assert Rankers.load(tmp_path, NAMES).boosters == []


def test_it_is_read_back_as_it_was(found: Rankers, tmp_path: Path) -> None:
    found.save(tmp_path)
    again = Rankers.load(tmp_path, NAMES)
    one = rows(np.random.default_rng(4), 1)[0].evidence
    for fold in (None, 0, 1, 2):
        np.testing.assert_array_equal(
            again.scores(one.features[None], fold), found.scores(one.features[None], fold)
        )
    (tmp_path / "ranker-1.txt").unlink()
    with pytest.raises(DataError, match="9 of 10 files of rankers"):
        Rankers.load(tmp_path, NAMES)


def test_of_many_rows_some_are_learnt_from(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranker, "NEGATIVES", 5)
    rng = np.random.default_rng(0)
    made, told = Rankers(NAMES), rows(rng, 100)
    lines, hits, sizes = made._lines(told, 30, rng) or pytest.fail("no lines")
    assert len(sizes) == hits.sum() == 30  # of rows evenly drawn, a target each
    assert sizes.sum() == len(lines) == len(hits)
    assert 4 < sizes.mean() < 8  # a target, and five of nineteen
    _, _, whole = made._lines(told, 100) or pytest.fail("no lines")
    assert whole.tolist() == [20] * 100


def test_the_weight_is_the_best_of_a_grid(found: Rankers) -> None:
    test = [
        replace(row, evidence=replace(one, ranked=found.scores(one.features[None], None)[0]))
        for row in rows(np.random.default_rng(5), 100)
        for one in [row.evidence]
    ]

    def loss(weight: float) -> float:
        total = 0.0
        for row in test:
            logits = np.zeros(50)
            logits[row.evidence.items] = weight * row.evidence.ranked
            total += float(np.logaddexp.reduce(logits) - logits[row.targets[0]])
        return total / len(test)

    best = min(np.arange(LEAST, 12, 0.02), key=loss)
    assert fit_weight(test, 50) == pytest.approx(best, abs=0.02)


def test_the_offset_lets_what_was_named_stand_higher_than_by_trees_as_often_as_lower() -> None:
    """Item 0 was named. Trees put it first in three of five states; the logits leave it behind in all."""
    behind = np.array([0.5, 1, 1.5, 3, 4])
    logits = np.zeros((6, 4), np.float32)
    logits[:5, 1] = behind
    ranked = np.zeros_like(logits)
    ranked[[0, 2, 4], 0] = 1
    ranked[[1, 3], 2] = 1
    named = np.zeros_like(logits)
    named[:5, 0] = 1  # in the last state nothing is
    assert offset(logits, ranked, named) == pytest.approx((1.5 + 3) / 2)
    assert offset(logits, ranked, 0 * named) == 0
    # Always first by trees, and always last.
    assert offset(logits, named, named) == pytest.approx(4 + TIE)
    assert offset(-logits, -named, named) == pytest.approx(-4 - TIE)


@given(st.integers(0, 2**32 - 1))
def test_the_offset_balances_ranks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, ranked = rng.normal(size=(2, 9, 6)).astype(np.float32)
    named = (rng.random((9, 6)) < 0.3).astype(np.float32)
    added = offset(logits, ranked, named)

    def rank_of_best(scores: np.ndarray) -> np.ndarray:
        best = np.where(named > 0, scores, -np.inf).max(axis=1, keepdims=True)
        return ((scores > best) & (named == 0)).sum(axis=1)

    moved = rank_of_best(logits + np.float32(added) * named) - rank_of_best(ranked)
    told = named.any(axis=1) & (named == 0).any(axis=1)
    assert (moved[told] > 0).sum() == (moved[told] < 0).sum()


def test_of_what_is_added_to_trees_as_much_is_kept_as_serves_the_order() -> None:
    """The target is item 0, and trees put it first by 1; what is added to them lifts item 1 by `more`."""

    def share(*more: float) -> float:
        ranked = np.zeros((len(more), 3), np.float32)
        ranked[:, 0] = 1
        added = np.zeros_like(ranked)
        added[:, 1] = more
        found, none = HeldOut([np.stack([ranked + added, ranked, 0 * ranked])], [(0,)] * len(more)).balance()
        assert none == 0  # nothing was named
        return found

    assert share(0.5) == 1  # it does no harm
    assert share(1.2) == 0.75
    assert share(1.2, 1.9) == 0.5
    assert share(1.2, 3) == 0.25
    assert share(1.2, 5) == 0.75
    assert share(50) == 1  # nothing helps
    gain = np.array([[[0, 1, 1.3], [0, 1, 0]], [[0, 1, 0], [0, 1, 0]], [[0] * 3] * 2], np.float32)
    assert HeldOut([gain], [(2,), (2,)]).balance() == (1, 0)  # without it the target is not first
    assert HeldOut().balance() == (1, 0)


def test_shares_are_compared_with_the_offset_that_each_is_given() -> None:
    """What is added to trees puts item 1 before item 2, rightly, and before item 0, which was named."""
    ranked = np.array([[4, 0, 1]] * 4 + [[0, 1, 2]] * 3, np.float32)
    logits = np.array([[4, 5, 1]] * 4 + [[0, 2.2, 2]] * 3, np.float32)
    named = np.array([[1, 0, 0]] * 4 + [[0, 0, 0]] * 3, np.float32)
    share, added = HeldOut([np.stack([logits, ranked, named])], [(0,)] * 4 + [(1,)] * 3).balance()
    assert share == 1  # three quarters put item 0 before item 1 by themselves, and item 2 before item 1
    assert added == offset(logits, ranked, named) == pytest.approx(1 + TIE)


@pytest.mark.usefixtures("few")
def test_the_share_is_kept_of_all_but_the_trees(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mixes, given = [], []
    for share in (1.0, 0.5):
        balance = (share, 0.0)
        monkeypatch.setattr(
            HeldOut, "balance", lambda held_out, balance=balance: given.append(held_out) or balance
        )
        mixes.append(fitted(toy_context).model.mix)
    whole, half = mixes
    torch.testing.assert_close(half, whole * torch.tensor([0.5] * 5 + [1.0]))
    before, after = (np.concatenate(one.parts, axis=1)[:2] for one in given)
    np.testing.assert_array_equal(before, after)  # what is compared is what there is before
    logits, by_trees = before
    policy = fitted(toy_context)
    policy.model.mix[:RANKED] = 0
    codec = policy.codec
    evidences = codec.evidences or pytest.fail("nothing is counted")
    rows_of_valid = [codec.encode(d.turns) for d in toy_context.valid.dialogues]
    alone = np.concatenate(
        sft.item_parts(policy.model, codec, evidences.rankers, rows_of_valid, "cpu").parts, axis=1
    )
    np.testing.assert_allclose(alone[0], alone[1], atol=1e-5)
    assert np.abs(logits - by_trees).max() > 0.1


def test_what_was_named_gets_the_offset_and_keeps_it(found: Rankers, tmp_path: Path) -> None:
    names = ("times", *NAMES[1:])
    plain, moved = Rankers(names, found.boosters), Rankers(names, found.boosters, 0.7)
    features = rows(np.random.default_rng(6), 1)[0].evidence.features
    features[:5, 0] = 0
    expected = plain.scores(features[None], None)[0] + 0.7 * (np.arange(20) >= 5)
    moved.save(tmp_path)
    for rankers in (moved, Rankers.load(tmp_path, names)):
        scores = rankers.scores(features[None], None)[0]
        np.testing.assert_allclose(scores, expected - expected.min(), atol=1e-6)
        added = np.array([rankers.contributions(features, c).sum() for c in range(20)])
        np.testing.assert_allclose(added - added[0], scores - scores[0], atol=1e-4)


@pytest.mark.usefixtures("few")
def test_the_logits_of_what_was_named_rise_by_the_offset(
    toy_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [State(d.turns[:3]) for d in toy_context.train.dialogues[:6]]
    scores = []
    for nats in (0.0, 1.5):
        monkeypatch.setattr(HeldOut, "balance", lambda _, nats=nats: (1.0, nats))
        policy = fitted(toy_context)
        scores.append(np.stack(list(rank(policy.model, policy.codec, states))))
    evidences = policy.codec.evidences or pytest.fail("nothing is counted")
    told = 0
    for moved, state, one in zip(
        scores[1] - scores[0], states, evidences.of(states, [None] * len(states)), strict=True
    ):
        named = np.isin(one.items, state.mentioned())  # of the candidates
        np.testing.assert_allclose(np.diff(moved[one.items]), 1.5 * np.diff(named.astype(float)), atol=1e-4)
        told += named.sum()
    assert told > 3


def test_the_offset_is_read_off_logits_and_names(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `HeldOut.balance` is given of what was named: 1 where a candidate was, before a labelled turn."""
    monkeypatch.setattr(evidence, "CANDIDATES", 6)
    given: list[HeldOut] = []
    monkeypatch.setattr(HeldOut, "balance", lambda held_out: given.append(held_out) or (1.0, 0.0))
    monkeypatch.setattr(ranker, "TREES", 5)
    fitted(toy_context)
    logits, ranked, named = np.concatenate(given[0].parts, axis=1)
    assert (ranked.min(axis=1) == 0).all()
    assert ((ranked > 0).sum(axis=1) <= 6).all()
    assert logits.std() > 0
    told = [
        set(State(dialogue.turns[:at]).mentioned())
        for dialogue in toy_context.valid.dialogues
        for at, turn in enumerate(dialogue.turns)
        if turn.recommended
    ]
    assert len(named) == len(told)
    assert set(named.sum(axis=1)) == {0, 1}
    assert 0.5 < named.sum() / sum(map(len, told)) <= 1  # half of the items are candidates


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "CANDIDATES", 6)
    monkeypatch.setattr(ranker, "TREES", 10)


def fitted(context: Any, **parts: bool) -> LanguageModelPolicy:
    torch.manual_seed(0)
    options = SftOptions(tiny=TINY, epochs=2, head=HeadOptions(**parts))
    return SftPolicy(options).fit(context.train, context)


@pytest.mark.usefixtures("few")
def test_what_trees_say_counts_and_is_kept_with_the_policy(
    toy: Toy, toy_context: Any, tmp_path: Path
) -> None:
    policy = fitted(toy_context)
    evidences = policy.codec.evidences or pytest.fail("nothing is counted")
    assert len(evidences.rankers.boosters) == RANKERS + WHOLE
    states = [State(d.turns[:1]) for d in toy[1][:5]]
    asked = policy.act(states, k=12)
    policy.save(tmp_path)
    again = LanguageModelPolicy(1).load(tmp_path)
    assert again.act(states, k=12) == asked
    evidences.rankers, evidences._known = Rankers(evidences.names), type(evidences._known)()
    assert policy.act(states, k=12) != asked


@pytest.mark.usefixtures("few")
def test_rows_that_are_known_are_ranked_as_those_that_are_found(toy: Toy, toy_context: Any) -> None:
    policy = fitted(toy_context)
    codec, evidences = policy.codec, policy.codec.evidences or pytest.fail("nothing is counted")
    rankers, evidences.rankers = evidences.rankers, Rankers(evidences.names)
    evidences._known.clear()
    rows_of_train = [codec.encode(d.turns, fold=d.fold) for d in toy[1][:4]]
    before = codec.recommended(rows_of_train)
    evidences.ask(rankers)
    anew = codec.recommended(rows_of_train)
    assert len(anew) == 8
    for one, plain in zip(anew, before, strict=True):
        again = evidences.again(plain.evidence, plain.fold)
        np.testing.assert_allclose(again.ranked, one.evidence.ranked, rtol=1e-6)
        assert again.ranked.any() > plain.evidence.ranked.any()


@pytest.mark.usefixtures("few")
def test_valid_is_read_out_of_its_fold_judged_by_trees_of_train_and_learnt_from_in_the_end(
    toy_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "FEW", 6)
    seen: set[tuple[State, int | None]] = set()
    judged: list[tuple[bytes, int | None, int]] = []
    learnt: list[bytes] = []
    read, scores, whole = Evidences._read, Rankers.scores, Rankers.whole

    def spy(self: Evidences, states: Sequence[State], fold: int | None) -> list[Evidence]:
        seen.update((state, fold) for state in states)
        return read(self, states, fold)

    def spy_on_trees(self: Rankers, features: Any, fold: int | None) -> Any:
        judged.extend((one.tobytes(), fold, len(self.boosters)) for one in features if self.boosters)
        return scores(self, features, fold)

    def spy_on_the_last(self: Rankers, known: Sequence[Recommended], *rest: Any) -> Rankers:
        learnt.extend(one.evidence.features.tobytes() for one in known)
        return whole(self, known, *rest)

    scored, unscored = (
        Dialogue(name, (Turn("user", f"a {name}, please"), Turn("system", "Try it.", (), (11,))))
        for name in ("spaceship", "submarine")
    )
    state, other = (State(one.turns[:1]) for one in (scored, unscored))
    toy_context.valid = Split((scored, unscored), (Row("1", scored.id, state, (11,)),))
    with monkeypatch.context() as patched:
        patched.setattr(Evidences, "_read", spy)
        patched.setattr(Rankers, "scores", spy_on_trees)
        patched.setattr(Rankers, "whole", spy_on_the_last)
        policy = fitted(toy_context)
    evidences = policy.codec.evidences or pytest.fail("nothing is counted")
    for one, known, by in ((scored, state, {(None, RANKERS)}), (unscored, other, {(unscored.fold, RANKERS)})):
        assert {fold for asked, fold in seen if asked == known} == {one.fold}
        own = evidences.of([known], [one.fold])[0].features.tobytes()
        assert {(fold, trees) for features, fold, trees in judged if features == own} == by
        assert own in learnt
    for known in (state, other):  # elsewhere both are remembered
        votes = next(evidences.candidates.memory.columns([known]))[0]
        assert votes.argmax() == 11


@pytest.mark.usefixtures("few")
def test_it_may_be_left_out(toy_context: Any) -> None:
    evidences = fitted(toy_context, ranker=False).codec.evidences
    assert evidences is not None
    assert not evidences.rankers.boosters


def test_where_every_item_is_a_candidate_there_are_no_trees(toy_context: Any) -> None:
    evidences = fitted(toy_context).codec.evidences
    assert isinstance(evidences, Evidences)
    assert not evidences.rankers.boosters
