"""The grounded language model: its arithmetic, its causality, and what it is on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from crsbench_lm.batch import collate
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.decode import rank, system_turns, user_turns
from crsbench_lm.generation import draw
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import TinyOptions
from crsbench_lm.storage import load_model, save_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from crsbench.errors import DataError, UsageError
from crsbench.types import Catalog, Dialogue, State

Toy = tuple[Catalog, tuple[Dialogue, ...]]
Model = tuple[GroundedLM, DialogueCodec]


@pytest.fixture(scope="module")
def built(toy: Toy) -> Model:
    catalog, dialogues = toy
    torch.manual_seed(0)
    tiny = TinyOptions(width=32, layers=2, heads=2, vocabulary=400)
    model, codec = build_model("tiny", tiny, [d.turns for d in dialogues], catalog, 128)
    with torch.no_grad():  # no term of the logits is to vanish
        model.bias.normal_()
        model.gate.out.weight.normal_()
    return model.eval(), codec


def states(toy: Toy) -> list[State]:
    return [State(d.turns[:at]) for d in toy[1][:6] for at in (1, 3)]


@torch.no_grad()
def test_item_logits_equal_a_plain_loop(toy: Toy, built: Model) -> None:
    model, codec = built
    rows = [codec.encode(d.turns) for d in toy[1][:3]]
    batch = collate(rows, codec)
    hidden = model.hidden(batch)
    got = model.item_logits(hidden, batch)
    e, gate = model.item_embeddings(), model.gate
    for b, row in enumerate(rows):
        for t, position in enumerate(row.rec):
            expected = hidden[b, position] @ e.T + model.bias
            for m, node in enumerate(row.nodes):
                if row.closes[m] >= position:
                    continue
                features = (
                    gate.position(hidden[b, position])
                    + gate.mention(hidden[b, row.at[m]])
                    + gate.close(hidden[b, row.closes[m]])
                    + gate.relation.weight[codec.links.relation_of[node]]
                    + gate.role.weight[row.mention_roles[m]]
                    + gate.age.weight[min(7, row.turns[t] - row.mention_turns[m])]
                )
                alpha, kappa = gate.out(torch.tanh(features))
                expected = expected + alpha * torch.from_numpy(codec.links.rows([node])[0])
                if node < len(codec.catalog):
                    expected[node] += kappa
            torch.testing.assert_close(got[b, t], expected, atol=1e-5, rtol=1e-5)


def test_a_packed_dialogue_reads_as_its_states_do(toy: Toy, built: Model) -> None:
    """One row for the whole dialogue gives the logits of each state read on its own."""
    model, codec = built
    dialogue = toy[1][0]
    batch = collate([codec.encode(dialogue.turns)], codec)
    with torch.no_grad():
        packed = model.item_logits(model.hidden(batch), batch)[0].numpy()
    apart = rank(model, codec, [State(dialogue.turns[:at]) for at in (1, 3)])
    np.testing.assert_allclose(packed, apart, atol=1e-5)


def test_company_changes_nothing(toy: Toy, built: Model) -> None:
    model, codec = built
    together = rank(model, codec, states(toy))
    alone = np.concatenate([rank(model, codec, [state]) for state in states(toy)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@torch.no_grad()
def test_generation_with_a_cache_says_what_rereading_would(toy: Toy, built: Model) -> None:
    model, codec = built
    said = system_turns(model, codec, states(toy), max_words=6)
    np.testing.assert_allclose(said.logits, rank(model, codec, states(toy)), atol=1e-4)
    banned = torch.from_numpy(~codec.sayable)
    banned[codec.end] = True
    for state, item, pieces in zip(states(toy), said.items, said.pieces, strict=True):
        ids = [*codec.encode(state.history, "system").ids.tolist(), model.words + int(item)]
        for n, piece in enumerate(pieces):
            hidden = model.trunk(model.embed(torch.tensor([ids]), model.item_embeddings()))
            best = int(model.word_logits(hidden[0, -1]).masked_fill(banned, -torch.inf).argmax())
            assert piece == (best if n < 5 else codec.eot)
            ids.append(piece)
        assert pieces[-1] == codec.eot


def test_a_mask_is_kept_and_sampling_repeats_with_its_seed(toy: Toy, built: Model) -> None:
    model, codec = built
    mask = np.zeros((12, 12), bool)
    mask[np.arange(12), np.arange(12)[::-1]] = True
    said = system_turns(model, codec, states(toy), 4, mask, np.random.default_rng(0))
    assert said.items.tolist() == list(range(11, -1, -1))
    first = user_turns(model, codec, states(toy), 8, np.random.default_rng(3))
    assert first == user_turns(model, codec, states(toy), 8, np.random.default_rng(3))


def test_draw_follows_the_probabilities() -> None:
    p = torch.tensor([0.5, 0.0, 0.3, 0.2])
    drawn = draw(p.log().expand(20_000, -1), np.random.default_rng(0))
    frequency = torch.bincount(drawn, minlength=4) / 20_000
    assert frequency[1] == 0
    torch.testing.assert_close(frequency, p, atol=0.015, rtol=0)


def test_saved_and_loaded_it_is_the_same(toy: Toy, built: Model, tmp_path: Path) -> None:
    model, codec = built
    save_model(model, codec, tmp_path)
    again, codec_again = load_model(tmp_path)
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    expected = rank(model, codec, states(toy))
    np.testing.assert_array_equal(rank(again, codec_again, states(toy)), expected)


@torch.no_grad()
def test_transformers_loads_the_language_model(toy: Toy, built: Model, tmp_path: Path) -> None:
    model, codec = built
    save_model(model, codec, tmp_path)
    stock = AutoModelForCausalLM.from_pretrained(tmp_path / "lm")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "lm")
    row = codec.encode(toy[1][0].turns)
    ids = torch.from_numpy(row.ids)[None]
    logits = stock(ids).logits
    hidden = model.trunk(model.embed(ids, model.item_embeddings()))
    torch.testing.assert_close(logits[..., : model.words], model.word_logits(hidden), atol=1e-5, rtol=1e-5)
    assert tokenizer.convert_tokens_to_ids("<item:5>") == model.words + 5
    assert tokenizer("great film").input_ids == codec.tokenizer.encode("great film").ids


def test_half_a_policy_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no complete policy"):
        load_model(tmp_path)


SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
FAMILIES = {
    "gpt2": lambda v: GPT2LMHeadModel(GPT2Config(vocab_size=v, n_embd=32, n_layer=2, n_head=2)),
    "llama": lambda v: LlamaForCausalLM(LlamaConfig(vocab_size=v, num_key_value_heads=1, **SMALL)),
    "qwen2": lambda v: Qwen2ForCausalLM(Qwen2Config(vocab_size=v, num_key_value_heads=1, **SMALL)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_any_causal_language_model_on_disk_serves(
    toy: Toy, built: Model, tmp_path: Path, family: str
) -> None:
    catalog, dialogues = toy
    torch.manual_seed(0)
    source = tmp_path / "source"
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=built[1].tokenizer)
    tokenizer.save_pretrained(source)
    FAMILIES[family](len(tokenizer)).save_pretrained(source)
    model, codec = build_model(str(source), TinyOptions(), [d.turns for d in dialogues], catalog, 128)
    said = system_turns(model.eval(), codec, states(toy), 4)
    save_model(model, codec, tmp_path / "saved")
    again, codec_again = load_model(tmp_path / "saved")
    assert system_turns(again, codec_again, states(toy), 4).pieces == said.pieces


def test_a_model_that_is_not_there(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot load the language model"):
        build_model(str(tmp_path / "nothing"), TinyOptions(), [], toy[0], 128)
