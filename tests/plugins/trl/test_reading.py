"""What TRL's trainers see of a policy is the policy: the same log-probabilities, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.build import build_model
from crsbench_lm.decode import rank, system_turns
from crsbench_lm.options import TinyOptions
from crsbench_trl.data import judge, labelled, pairs
from crsbench_trl.reading import RowModel, Rows, spell
from torch import Tensor
from trl.trainer.utils import add_fused_lm_head

from crsbench.errors import CrsbenchError
from crsbench.types import Action, Reward, State

TINY = TinyOptions(width=32, layers=2, heads=2, vocabulary=400)


class Judge:
    """A higher item is worth more."""

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(float(a.items[0])) for a in actions]


@pytest.fixture
def made(toy_context: Any) -> tuple[Any, Rows]:
    torch.manual_seed(0)
    texts = [d.turns for d in toy_context.train.dialogues]
    model, codec = build_model("tiny", TINY, texts, toy_context.catalog, 128)
    with torch.no_grad():  # no term of the logits is to vanish
        model.bias.normal_()
        model.gate.out.weight.normal_()
        model.mix.uniform_(0.5, 1.5)
    return model.eval(), Rows(codec, toy_context.transitions, [0, 1, 5, 8, 11, 13])


def test_prompts_are_cut_into_the_tokens_they_spell(made: Any) -> None:
    _, rows = made
    tokenizer = rows.tokenizer()
    for r in range(6):
        prompt = rows.prompt(r)
        expected = [rows.first + r, *rows.encoded[r].ids.tolist()]
        assert tokenizer(prompt).input_ids == expected
        assert tokenizer(prompt + " " + spell([3, 30, 300])).input_ids == [*expected, 3, 30, 300]
        assert rows.row(prompt) == r
    assert tokenizer.eos_token_id == rows.codec.eot
    assert tokenizer.pad_token_id == rows.codec.pad


@pytest.mark.parametrize("left", [0, 5])
@torch.no_grad()
def test_its_logits_are_those_of_the_policy(made: Any, left: int) -> None:
    model, rows = made
    said = system_turns(model, rows.codec, rows.states, 5, rows.allowed, np.random.default_rng(0))
    turns = [[model.words + int(i), *p] for i, p in zip(said.items, said.pieces, strict=True)]
    whole = [[rows.first + r, *rows.encoded[r].ids.tolist(), *turn] for r, turn in enumerate(turns)]
    longest = max(len(ids) for ids in whole)
    pad = rows.codec.pad
    ids = torch.tensor([[pad] * left + one + [pad] * (longest - len(one)) for one in whole])
    logprobs = RowModel(model, rows, 5, 0)(ids).logits.log_softmax(-1)

    items = torch.from_numpy(rank(model, rows.codec, rows.states))
    items = items.masked_fill(torch.from_numpy(~rows.allowed), -torch.inf).log_softmax(-1)
    sayable = torch.from_numpy(rows.codec.sayable.copy())
    sayable[rows.codec.end] = False
    for r, turn in enumerate(turns):
        at = left + len(whole[r]) - len(turn) - 1  # <rec>
        assert ids[r, at] == rows.codec.rec
        torch.testing.assert_close(logprobs[r, at, model.words :].exp(), items[r].exp(), atol=1e-5, rtol=0)
        plain = torch.tensor([whole[r][1:]])
        hidden = model.trunk(model.embed(plain, model.item_embeddings()))[0]
        for n, token in enumerate(turn[1:], 1):
            words = model.word_logits(hidden[len(whole[r]) - len(turn) - 2 + n])
            expected = words.masked_fill(~sayable, -torch.inf).log_softmax(-1)
            got = logprobs[r, at + n]
            torch.testing.assert_close(got[: model.words].exp(), expected.exp(), atol=1e-5, rtol=0)
            assert torch.isfinite(got[token])


def test_every_part_is_trained(made: Any) -> None:
    """Gradients reach the language model, the item embeddings and the grounding."""
    model, rows = made
    wrapped = RowModel(model, rows, 5, 0)
    assert {id(p) for p in wrapped.parameters()} == {id(p) for p in model.parameters()}
    ids = torch.tensor([[rows.first, *rows.encoded[0].ids.tolist(), model.words + 3, rows.codec.eot]])
    logprobs = wrapped(ids).logits.log_softmax(-1)
    (logprobs[0, -3, model.words + 3] + logprobs[0, -2, rows.codec.eot]).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert without <= {"gate.out.bias"}


def test_the_fused_head_of_the_trainers_gives_the_same(made: Any) -> None:
    """Log-probabilities and gradients, with another batch read in between."""
    model, rows = made
    wrapped = RowModel(model, rows, 5, 0)
    say = [model.words + 3, 30, rows.codec.eot]

    def batch(*named: int) -> Tensor:
        whole = [[rows.first + r, *rows.encoded[r].ids.tolist(), *say] for r in named]
        longest = max(len(ids) for ids in whole)
        return torch.tensor([[rows.codec.pad] * (longest - len(ids)) + ids for ids in whole])

    ids = batch(0, 2, 4)
    logprobs = wrapped(ids).logits[:, -4:-1].log_softmax(-1).gather(-1, ids[:, -3:, None])[..., 0]
    logprobs.sum().backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()

    add_fused_lm_head(wrapped)
    labels = torch.cat([torch.full_like(ids[:, :-3], -100), ids[:, -3:]], dim=1)
    fused = wrapped(ids, labels=labels, fused_lm_head=True).log_probs
    assert wrapped.head.weight.shape == (model.words + model.items, TINY.width + 3 + 2)
    wrapped(batch(1), labels=None)
    fused.sum().backward()
    torch.testing.assert_close(fused[:, -3:], logprobs)
    got = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


def test_what_it_generates_is_a_turn_the_policy_may_take(made: Any) -> None:
    model, rows = made
    wrapped = RowModel(model, rows, 4, 0)
    pad = rows.codec.pad
    prompts = [[rows.first + r, *rows.encoded[r].ids.tolist()] for r in (2, 0, 1)]
    longest = max(len(p) for p in prompts)
    ids = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts])
    out = wrapped.generate(ids)
    assert torch.equal(out[:, :longest], ids)
    for row, r in zip(out[:, longest:].tolist(), (2, 0, 1), strict=True):
        assert rows.allowed[r, row[0] - model.words]
        assert rows.codec.eot in row[1:]
        assert all(token < model.words for token in row[1:])
    assert not torch.equal(wrapped.generate(ids), wrapped.generate(ids))


def test_pairs_are_the_best_and_the_worst(made: Any) -> None:
    model, rows = made
    found = pairs(model, rows, Judge(), 6, 3, np.random.default_rng(0))  # pyright: ignore
    assert 4 <= len(found) <= 6
    tokenizer = rows.tokenizer()
    for pair in found:
        chosen, rejected = (tokenizer(pair[name]).input_ids for name in ("chosen", "rejected"))
        assert chosen[0] > rejected[0] >= model.words
        assert chosen[-1] == rejected[-1] == rows.codec.eot


def test_what_nothing_can_be_learnt_from_is_said_in_one_line(made: Any, toy_context: Any) -> None:
    model, rows = made

    class Indifferent:
        def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
            return [Reward(0.5) for _ in actions]

    with pytest.raises(CrsbenchError, match=r"no pair to learn from: in none of \d+ contexts .* 6 turns"):
        pairs(model, rows, Indifferent(), 6, 3, np.random.default_rng(0))  # pyright: ignore
    with pytest.raises(CrsbenchError, match="no turn to learn from: none of"):
        labelled(rows, np.full(len(toy_context.transitions), np.nan), 0.5)


def test_logged_turns_carry_their_weak_label(made: Any, toy_context: Any) -> None:
    model, rows = made
    probability = np.full(len(toy_context.transitions), np.nan)
    probability[[0, 1, 5]] = 0.9, 0.5, 0.2
    found = labelled(rows, probability, 0.5)
    assert [one["label"] for one in found] == [True, True, False]
    assert [rows.row(one["prompt"]) for one in found] == [0, 1, 2]
    tokens = rows.tokenizer()(found[0]["completion"]).input_ids
    assert tokens[0] == model.words + toy_context.transitions[0].action.items[0]
    assert rows.codec.text(tokens[1:], tokens[0] - model.words) == toy_context.transitions[0].action.text
    repeated = rows.allowed.copy()
    rows.allowed[0] = False
    assert len(labelled(rows, probability, 0.5)) == 2
    rows.allowed[:] = repeated


def test_tokens_are_judged_as_turns(made: Any) -> None:
    _, rows = made
    turns = [[rows.codec.words + 4, rows.codec.title, rows.codec.eot], [rows.codec.words + 9, rows.codec.eot]]
    assert judge(rows, Judge(), [0, 3], turns) == [4.0, 9.0]  # pyright: ignore
