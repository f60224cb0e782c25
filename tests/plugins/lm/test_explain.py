"""Reasons for a recommendation: they add up to its logit, and say what they are about."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_features.connections import HAS, LIKE, group_of
from crsbench_features.rankers import Rankers
from crsbench_lm import evidence
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.decode import rank
from crsbench_lm.evidence import Evidences
from crsbench_lm.explain import CANDIDATE, OWN, explain
from crsbench_lm.model import RANKED, GroundedLM
from crsbench_lm.options import TinyOptions
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_lm.sft import encode_dialogue

from crsbench.protocols import Explained
from crsbench.types import Catalog, Dialogue, Mention, State, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]
Model = tuple[GroundedLM, DialogueCodec]


def build(toy: Toy, evidences: Evidences | None) -> Model:
    catalog, dialogues = toy
    torch.manual_seed(0)
    tiny = TinyOptions(width=32, layers=2, heads=2, vocabulary=400)
    model, codec = build_model("tiny", tiny, [d.turns for d in dialogues], catalog, 128, evidences)
    with torch.no_grad():  # no term of the logits is to vanish
        model.bias.normal_()
        model.gate.out.weight.normal_()
        model.mix.uniform_(0.5, 1.5)
        if model.evidence is not None:
            for parameter in model.evidence.parameters():
                parameter.normal_(std=0.3)
    return model.eval(), codec


@pytest.fixture(scope="module")
def plain(toy: Toy) -> Model:
    return build(toy, None)


@pytest.fixture(scope="module")
def counting(toy: Toy) -> Model:
    return build(toy, Evidences.fit(toy[1], toy[0]))


@pytest.fixture
def few(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(evidence, "CANDIDATES", 4)
    return build(toy, Evidences.fit(toy[1], toy[0]))


@pytest.fixture
def ranked(toy: Toy, toy_context: Any, few: Model) -> Model:
    """Trees have learnt that what is a comedy is recommended."""
    _, codec = few
    made = codec.recommended([encode_dialogue(codec, d) for d in toy[1]])
    comedy = [replace(one, targets=tuple(range(0, 12, 3))) for one in made]
    assert codec.evidences is not None
    made = [one.labelled for one in comedy]
    codec.evidences.ask(Rankers.fit(made, made[:20], codec.evidences.names, 300, toy_context))
    assert codec.evidences.rankers.boosters
    return few


def states(toy: Toy) -> list[State]:
    return [State(()), *(State(d.turns[:at]) for d in toy[1][:3] for at in (1, 3, 5))]


@pytest.mark.parametrize("which", ["plain", "counting", "few", "ranked"])
def test_shares_add_up_to_the_logit(toy: Toy, which: str, request: pytest.FixtureRequest) -> None:
    model, codec = request.getfixturevalue(which)
    pairs = list(itertools.product(states(toy), range(len(toy[0]))))
    found = explain(model, codec, [state for state, _ in pairs], [item for _, item in pairs])
    sums = np.array([sum(reason.share for reason in reasons) for reasons in found])
    logits = rank(model, codec, states(toy)).ravel()
    np.testing.assert_allclose(sums, logits, atol=1e-4)
    assert len(set(sums.round(2))) > 50  # nothing of this is constant


def test_a_mention_is_told_with_what_connects_it(toy: Toy, plain: Model) -> None:
    """Film Alpha (comedy, mood0) was recommended; Film Eta is a comedy too, Film Beta has nothing of it."""
    said = Turn("system", "Film Alpha", (Mention("Film Alpha", 0, (0, 10)),), (0,))
    heard = Turn("user", "no horror", (Mention("horror", span=(3, 9)),))
    state = State((Turn("user", "hello"), said, heard))
    beta, alpha, eta = explain(*plain, [state] * 3, [1, 0, 6])
    about = [{(r.mention.name, r.turn): r.text for r in one if r.mention} for one in (beta, alpha, eta)]
    assert about[0] == {("horror", 2): "genre"}
    assert about[1] == {("Film Alpha", 1): "named before"}
    assert about[2] == {("Film Alpha", 1): "same genre: comedy"}
    assert [abs(r.share) for r in eta] == sorted((abs(r.share) for r in eta), reverse=True)


def test_evidence_is_told_by_group_of_features(toy: Toy, few: Model) -> None:
    state = states(toy)[2]
    (one,) = few[1].evidences.of([state], [None])  # type: ignore[union-attr]
    beside = next(i for i in range(12) if i not in one.items)
    counted, ignored = explain(*few, [state] * 2, [int(one.items[0]), beside])
    assert {reason.text for reason in ignored if not reason.mention} == {OWN}
    assert {CANDIDATE, OWN} < {reason.text for reason in counted if not reason.mention}


def test_trees_are_told_by_group_of_features(toy: Toy, ranked: Model) -> None:
    """Where the network is silent, a group's share is what trees make of its features."""
    model, codec = ranked
    assert model.evidence is not None
    assert codec.evidences is not None
    with torch.no_grad():
        model.evidence.worth.weight.zero_()
        model.evidence.reading.weight.zero_()
    state = states(toy)[2]
    (one,) = codec.evidences.of([state], [None])
    base = set()
    for c, item in enumerate(one.items.tolist()):
        added = float(model.mix[RANKED]) * codec.evidences.rankers.contributions(one.features, c)
        groups = [group_of(name) for name in codec.evidences.names]
        (found,) = explain(*ranked, [state], [item])
        told = {reason.text: reason.share for reason in found if not reason.mention}
        for group in set(groups):
            expected = sum(share for share, name in zip(added, groups, strict=True) if name == group)
            shares = [share for text, share in told.items() if text.startswith(group)]
            assert sum(shares) == pytest.approx(expected, abs=1e-5)
        base.add(round(told[CANDIDATE], 4))
    assert len(base) == 1  # of an item of which nothing is known trees say the same


def test_a_group_that_says_nothing_has_no_share(toy: Toy, counting: Model) -> None:
    """Nobody named an item, so neither copies nor likeness to items can speak for one."""
    state = State((Turn("user", "something with horror"),))
    (found,) = explain(*counting, [state], [1])
    told = {reason.text for reason in found}
    assert not told & {"named before", LIKE}
    assert f"{HAS}: horror" in told


def test_language_model_policies_explain(toy: Toy, counting: Model) -> None:
    policy = LanguageModelPolicy(10)
    policy.model, policy.codec = counting
    assert isinstance(policy, Explained)
    state = states(toy)[1]
    assert policy.explain([state], [3]) == explain(*counting, [state], [3])
