"""Trees over the evidence: they find what tells, and judge no row of train by its own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_classic.hybrid import Hybrid
from crsbench_classic.options import HybridOptions
from crsbench_features import remembered
from crsbench_features.rankers import RANKERS, WHOLE, Labelled, Rankers
from crsbench_lm import evidence, sft
from crsbench_lm.decode import rank
from crsbench_lm.evidence import Evidence, Evidences
from crsbench_lm.mixing import HeldOut
from crsbench_lm.model import RANKED
from crsbench_lm.options import HeadOptions, SftOptions, TinyOptions
from crsbench_lm.policy import LanguageModelPolicy, SftPolicy

from crsbench.types import Catalog, Dialogue, Row, Split, State, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]
NAMES = ("text", "walk:last", "turns")  # the last is known of the state alone
TINY = TinyOptions(width=32, layers=1, heads=2, vocabulary=400)


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
    monkeypatch.setattr(sft, "TREES", 5)
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
    monkeypatch.setattr(sft, "TREES", 10)


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

    def spy_on_the_last(self: Rankers, known: Sequence[Labelled], *rest: Any) -> Rankers:
        learnt.extend(one.features.tobytes() for one in known)
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
@pytest.mark.parametrize("by_row", [False, True])
def test_what_a_row_leaves_out_is_as_the_corpus_is_split(toy_context: Any, by_row: bool) -> None:
    toy_context.train = replace(toy_context.train, by_row=by_row)
    evidences = fitted(toy_context).codec.evidences or pytest.fail("nothing is counted")
    assert evidences.candidates.memory.by_row == by_row


@pytest.mark.usefixtures("few")
def test_it_may_be_left_out(toy_context: Any) -> None:
    evidences = fitted(toy_context, ranker=False).codec.evidences
    assert evidences is not None
    assert not evidences.rankers.boosters


def test_where_every_item_is_a_candidate_there_are_no_trees(toy_context: Any) -> None:
    evidences = fitted(toy_context).codec.evidences
    assert isinstance(evidences, Evidences)
    assert not evidences.rankers.boosters


def test_trees_are_those_of_hybrid(toy_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured between the two is what the language model adds."""
    monkeypatch.setattr(evidence, "CANDIDATES", 10)
    monkeypatch.setattr(sft, "TREES", 10)
    by_hybrid = Hybrid(HybridOptions(candidates=10, trees=10)).fit(toy_context.train, toy_context)
    of_sft = fitted(toy_context).codec.evidences
    assert of_sft is not None
    written = ([booster.model_to_string() for booster in one.rankers.boosters] for one in (by_hybrid, of_sft))
    assert len({*map(tuple, written)}) == 1
