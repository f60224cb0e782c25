"""What counting says of the items: found once, out of fold, for the candidates, and weighed by the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from crsbench_features import sentences
from crsbench_features.connections import CONTEXT
from crsbench_features.examples import examples
from crsbench_lm import evidence
from crsbench_lm.batch import collate
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.decode import rank
from crsbench_lm.evidence import Evidences
from crsbench_lm.head import EvidenceHead
from crsbench_lm.model import GroundedLM, take
from crsbench_lm.options import HeadOptions, TinyOptions
from crsbench_lm.storage import load_model, save_model

from crsbench.types import Catalog, Dialogue, Mention, State, Turn
from tests.plugins.axes import Axes

Toy = tuple[Catalog, tuple[Dialogue, ...]]
MENTIONED = (("Film Beta", 1), ("Film Gamma", 2))


@pytest.fixture(scope="module")
def evidences(toy: Toy) -> Evidences:
    return Evidences.fit(toy[1], toy[0])


@pytest.fixture(scope="module")
def grounded(toy: Toy, evidences: Evidences) -> tuple[GroundedLM, DialogueCodec]:
    catalog, dialogues = toy
    torch.manual_seed(0)
    tiny = TinyOptions(width=32, layers=2, heads=2, vocabulary=400)
    model, codec = build_model("tiny", tiny, [d.turns for d in dialogues], catalog, 128, evidences)
    assert model.evidence is not None
    torch.nn.init.normal_(model.evidence.reading.weight)
    return model.eval(), codec


def states(toy: Toy) -> list[State]:
    return [State(d.turns[:at]) for d in toy[1][:6] for at in (1, 3)]


def test_the_features_are_those_of_the_catalogue_in_order(toy: Toy, evidences: Evidences) -> None:
    found = evidences.of(states(toy), [None] * 12)
    whole = np.stack(list(evidences.candidates.memory.columns(states(toy))), axis=1)
    context = evidences.candidates.find(states(toy)).features[:, 0, -len(CONTEXT) :]
    for one, features, state in zip(found, whole, context, strict=True):
        assert one.items.tolist() == list(range(12))  # fewer items than candidates: all of them
        np.testing.assert_allclose(one.features[:, : len(features)], features.T, rtol=1e-3, atol=1e-6)
        np.testing.assert_array_equal(one.features[:, -len(state) :], np.tile(state, (12, 1)))
    assert found[0].features.shape == (12, len(evidences.names))


def test_the_own_fold_says_nothing(toy: Toy) -> None:
    """A dialogue more in the fold of a state changes nothing there, and something elsewhere."""
    catalog, dialogues = toy
    planted = Dialogue(dialogues[0].id, (Turn("user", "I like horror films"), *dialogues[1].turns[1:]))
    fold, other = planted.fold, (planted.fold + 1) % 5
    before, after = (Evidences.fit(train, catalog) for train in (dialogues[1:], (*dialogues[1:], planted)))
    asked = states(toy)
    for one, two in zip(before.of(asked, [fold] * 12), after.of(asked, [fold] * 12), strict=True):
        np.testing.assert_array_equal(one.features, two.features)
    pairs = zip(before.of(asked, [other] * 12), after.of(asked, [other] * 12), strict=True)
    assert any((one.features != two.features).any() for one, two in pairs)


def test_what_is_remembered_is_what_is_found_anew(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "KEPT", 3)
    asked, folds = states(toy) * 2, [None, 0, 1] * 8
    once = Evidences.fit(toy[1], toy[0])
    first, again = once.of(asked, folds), once.of(asked, folds)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.features, two.features)
    anew = [Evidences.fit(toy[1], toy[0]).of([s], [f])[0] for s, f in zip(asked[:4], folds[:4], strict=True)]
    for one, two in zip(first, anew, strict=False):
        np.testing.assert_array_equal(one.features, two.features)


def test_the_head_by_hand() -> None:
    head = EvidenceHead(width=2, scale=torch.tensor([2.0]), hidden=2)
    with torch.no_grad():
        head.layers[0].weight.copy_(torch.eye(2))
        head.layers[0].bias.zero_()
        head.layers[2].weight.copy_(torch.eye(2))
        head.layers[2].bias.zero_()
        head.worth.weight.copy_(torch.tensor([[0.5, 0.0]]))
        head.worth.bias.fill_(0.25)
        head.reading.weight.copy_(torch.eye(2))
    at, features = torch.tensor([[[1.0, 3.0]]]), torch.tensor([[[[4.0], [1.0]]]])
    gelu = torch.nn.functional.gelu
    logs = gelu(gelu(torch.log1p(torch.tensor([2.0, 0.5]))))
    share = gelu(gelu(torch.tensor([1.0, 0.25])))
    counted, read = head(at, features)
    torch.testing.assert_close(counted[0, 0], 0.5 * logs + 0.25)
    torch.testing.assert_close(read[0, 0], logs + 3.0 * share)


@torch.no_grad()
def test_evidence_is_added_to_the_candidates_alone(
    toy: Toy, grounded: tuple[GroundedLM, DialogueCodec], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, codec = grounded
    monkeypatch.setattr(evidence, "CANDIDATES", 4)
    monkeypatch.setattr(codec, "evidences", Evidences.fit(toy[1], toy[0]))
    batch = collate([codec.encode(d.turns) for d in toy[1][:3]], codec)
    hidden = model.hidden(batch)
    whole = model.grounding(hidden, batch)
    head, model.evidence = model.evidence, None
    difference = whole - model.grounding(hidden, batch)
    model.evidence = head
    assert head is not None
    assert batch.candidates.shape == (3, 2, 4)
    expected = torch.zeros_like(difference)
    counted, read = head(take(hidden, batch.rec), batch.evidence)
    expected.scatter_(2, batch.candidates, counted + read)
    torch.testing.assert_close(difference, expected, atol=1e-5, rtol=1e-5)
    assert (difference == 0).sum() >= 3 * 2 * 8


def test_a_saved_policy_counts_as_it_did(
    toy: Toy, grounded: tuple[GroundedLM, DialogueCodec], tmp_path: Path
) -> None:
    model, codec = grounded
    save_model(model, codec, tmp_path)
    again = load_model(tmp_path)
    assert again[0].evidence is not None
    assert codec.evidences is not None
    np.testing.assert_array_equal(again[0].evidence.scale, codec.evidences.scale)
    assert (codec.evidences.scale != 1).any()
    np.testing.assert_array_equal(rank(*again, states(toy)), rank(model, codec, states(toy)))


def test_only_the_newest_position_is_read_when_acting(
    toy: Toy, grounded: tuple[GroundedLM, DialogueCodec]
) -> None:
    _, codec = grounded
    row = codec.encode(toy[1][0].turns, opens="system")
    newest = codec.evident([row.newest()])[0]
    assert newest.rec.tolist() == [row.rec[-1]]
    [whole] = codec.evident([row])
    assert whole.evidence is not None
    assert newest.evidence is not None
    np.testing.assert_array_equal(newest.evidence[0].features, whole.evidence[-1].features)


def test_the_sentence_encoder_may_be_counted_too(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "Encoder", Axes)
    catalog, dialogues = toy
    plain = Evidences.fit(dialogues, catalog, HeadOptions())
    found = Evidences.fit(dialogues, catalog, HeadOptions(encoder=True))
    assert set(found.names) - set(plain.names) == {"sentences", "dialogue-sentences", "item-sentences"}
    forgetful = Evidences.fit(dialogues, catalog, HeadOptions(encoder=True, memory=False))
    assert {name for name in forgetful.names if "sentences" in name} == {"item-sentences"}
    for one in (plain, found, forgetful):
        one.save(tmp_path / str(len(one.names)))
        again = Evidences.load(tmp_path / str(len(one.names)), one.names)
        assert again.names == one.names
        pairs = zip(one.of(states(toy), [None] * 12), again.of(states(toy), [None] * 12), strict=True)
        for left, right in pairs:
            np.testing.assert_array_equal(left.features, right.features)


def test_what_a_row_recommends_is_what_examples_are_message_by_message(
    toy: Toy, grounded: tuple[GroundedLM, DialogueCodec]
) -> None:
    _, codec = grounded
    first, then = toy[1][:2]
    text = "You could watch Film Beta\nor Film Gamma, or Film Beta again"
    named = [Mention(name, item, (text.index(name), text.index(name) + 9)) for name, item in MENTIONED]
    again = Mention("Film Beta", 1, (text.rindex("Film Beta"), text.rindex("Film Beta") + 9))
    twice = Turn("system", text, (*named, again), (1, 2))
    dialogues = [replace(first, turns=(first.turns[0], twice, *first.turns[2:])), then]
    made = codec.recommended([codec.encode(d.turns, fold=d.fold) for d in dialogues])
    expected = list(examples(dialogues))
    assert [one.targets for one in made] == [one.targets for one in expected]
    assert [one.targets for one in made[:2]] == [(1,), (2, 1)]
    assert [one.fold for one in made] == [one.fold for one in expected]
    assert codec.evidences is not None
    found = codec.evidences.of([one.state for one in expected], [one.fold for one in expected])
    for one, there in zip(made, found, strict=True):
        np.testing.assert_array_equal(one.evidence.features, there.features)
    assert (made[0].evidence.features != made[1].evidence.features).any()
