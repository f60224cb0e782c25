"""A packed dialogue is read once and gives what its turns give one by one: losses, KL and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.masks import unseen
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import TinyOptions
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.packing import Conversation, ValueHead, decisions, read, sayable
from crsbench_ppo.ppo import Counts, Prepared, by_dialogue, surrogate
from crsbench_ppo.rollout import logged_rollout, model_rollout

from crsbench.types import Action, Reward, State, Turn


class Judge:
    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(a.items[0] / 12) for a in actions]

    def score_items(self, states: Sequence[State]) -> np.ndarray[Any, Any]:
        return np.tile(np.arange(12, dtype=np.float32) / 12, (len(states), 1))

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        return [Turn("user", "what else is there?", ends=bool(rng.random() < 0.2)) for _ in states]


@pytest.fixture
def start(toy_context: Any) -> tuple[GroundedLM, DialogueCodec]:
    torch.manual_seed(0)
    texts = [d.turns for d in toy_context.train.dialogues]
    tiny = TinyOptions(width=32, layers=2, heads=2, vocabulary=400)
    model, codec = build_model("tiny", tiny, texts, toy_context.catalog, 128)
    with torch.no_grad():  # no term of the logits is to vanish
        model.bias.normal_()
        model.gate.out.weight.normal_()
    return model.eval(), codec


def cut(row: Encoded, t: int, end: int) -> Encoded:
    """The row as it was when turn t had been said: nothing after position `end`."""
    seen = row.at < end
    closes = np.minimum(row.closes, end - 1)
    tokens = {name: getattr(row, name)[:end] for name in ("ids", "say", "role")}
    positions = {name: getattr(row, name)[: t + 1] for name in ("rec", "shown", "turns", "targets")}
    mentions = {name: getattr(row, name)[seen] for name in ("nodes", "at", "mention_roles", "mention_turns")}
    return replace(row, **tokens, **positions, **mentions, closes=closes[seen])


def apart(c: Conversation, codec: DialogueCodec) -> list[Conversation]:
    """One conversation a decided turn, with all that came before as its history."""
    closes = np.flatnonzero((c.row.ids == codec.eot) | (c.row.ids == codec.end))
    found = []
    for t in np.flatnonzero(c.items >= 0):
        end = int(closes[np.searchsorted(closes, c.row.rec[t])]) + 1
        here = np.arange(t + 1) == t
        said = c.said[:end] & (np.arange(end) > c.row.rec[t])
        found.append(
            replace(
                c,
                row=cut(c.row, int(t), end),
                items=np.where(here, c.items[: t + 1], -1),
                rewards=c.rewards[: t + 1] * here,
                of_items=c.of_items[: t + 1] * here,
                allowed=c.allowed[: t + 1],
                said=said,
                ended=True,
            )
        )
    return found


@pytest.mark.parametrize("rollout", ["model", "logged"])
def test_packed_and_one_by_one_give_the_same(start: Any, toy_context: Any, rollout: str) -> None:
    model, codec = start
    rng = np.random.default_rng(0)
    if rollout == "model":
        steps = [t for t in toy_context.transitions if t.index == 0][:6]
        packed, _ = model_rollout(model, codec, Judge(), steps, 3, 5, rng)  # pyright: ignore
    else:
        packed = logged_rollout(model, codec, Judge(), by_dialogue(toy_context.transitions)[:6], rng)  # pyright: ignore
    single = [one for c in packed for one in apart(c, codec)]
    assert len(single) > len(packed)

    value = ValueHead(32)
    torch.nn.init.normal_(value.layers[2].weight)
    parameters = [*model.parameters(), *value.parameters()]
    results = []
    for conversations in (packed, single):
        torch.manual_seed(1)
        d = decisions(conversations, codec, "cpu")
        with torch.no_grad():
            old = read(model, value, d, sayable(codec))
        # what is fixed is random, but the same decision by decision, in the order of the conversations
        n, m, k = int(d.item_ok.sum()), len(old.words), int(d.decides.sum())
        before = replace(
            old,
            items=(old.items + torch.randn(n, 12)).log_softmax(-1),
            words=old.words + 0.1 * torch.randn(m),
            values=old.values.masked_scatter(d.decides, old.values[d.decides] + torch.randn(k)),
        )
        advantages, returns = (torch.zeros_like(old.values).masked_scatter(d.decides, torch.randn(k))
                               for _ in range(2))  # fmt: skip
        now = read(model, value, d, sayable(codec))
        prepared = Prepared(d, before, before, advantages, returns, Counts.of(d))
        loss, scalars = surrogate(now, prepared, PpoOptions(), 0.1)
        results.append((scalars, torch.autograd.grad(loss, parameters, allow_unused=True), n, m, k))
    (one, gradient, *sizes), (other, gradient_apart, *sizes_apart) = results
    assert sizes == sizes_apart
    assert sizes[2] == (sizes[0] + sizes[1] if rollout == "model" else sizes[0])
    assert one == pytest.approx(other, abs=1e-5)
    used = [(g, h) for g, h in zip(gradient, gradient_apart, strict=True) if g is not None]
    assert len(used) > 10
    for g, h in used:
        torch.testing.assert_close(g, h, atol=1e-5, rtol=1e-5)


def test_a_logged_dialogue_is_one_row_with_a_choice_at_every_recommendation(
    start: Any, toy_context: Any
) -> None:
    model, codec = start
    dialogues = by_dialogue(toy_context.transitions)[:5]
    found = logged_rollout(model, codec, Judge(), dialogues, np.random.default_rng(0))  # pyright: ignore
    assert len(found) == 5
    for c, steps in zip(found, dialogues, strict=True):
        assert (c.items >= 0).sum() == len(steps) == 2
        np.testing.assert_array_equal(c.row.shown, [s.action.items[0] for s in steps])  # the log is as it was
        np.testing.assert_allclose(c.rewards, c.items / 12, rtol=1e-6)
        np.testing.assert_array_equal(c.allowed, unseen([s.state for s in steps], 12))
        assert c.allowed[np.arange(2), c.items].all()
        assert c.ended
        turns = [slice(a + 2, b + 1) for a, b in zip(c.row.rec, turn_ends(c, codec), strict=True)]
        assert all(codec.text(c.row.ids[turn], None).startswith("You could watch") for turn in turns)
        assert (
            c.said.sum() == sum(c.said[turn].sum() for turn in turns) == sum(t.stop - t.start for t in turns)
        )


def turn_ends(c: Conversation, codec: DialogueCodec) -> list[int]:
    closes = np.flatnonzero((c.row.ids == codec.eot) | (c.row.ids == codec.end))
    return [int(closes[np.searchsorted(closes, start)]) for start in c.row.rec]


def test_logged_choices_follow_the_policy(start: Any, toy_context: Any) -> None:
    """Items are drawn from the policy's own masked probabilities at each position of the packed row."""
    model, codec = start
    dialogue = by_dialogue(toy_context.transitions)[0]
    found = logged_rollout(model, codec, Judge(), [dialogue] * 1500, np.random.default_rng(0))  # pyright: ignore
    with torch.no_grad():
        d = decisions(found[:1], codec, "cpu")
        p = read(model, None, d, sayable(codec)).items.exp().numpy()
    for t in range(2):
        drawn = np.bincount([c.items[t] for c in found], minlength=12) / 1500
        np.testing.assert_allclose(drawn, p[t], atol=0.05)


def test_a_row_that_was_cut_keeps_the_choices_it_still_holds(start: Any, toy_context: Any) -> None:
    model, codec = start
    short = DialogueCodec(codec.tokenizer, codec.catalog, codec.links, 32)
    [steps] = by_dialogue(toy_context.transitions)[:1]
    [c] = logged_rollout(model, short, Judge(), [steps], np.random.default_rng(0))  # pyright: ignore
    assert len(c.row.rec) == 1
    assert (c.items >= 0).sum() == 1
    assert c.allowed[0].sum() == 11  # the second recommendation, whose context the row no longer tells
