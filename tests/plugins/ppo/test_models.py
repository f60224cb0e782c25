"""Language models of other architectures, from disk through SFT, R_φ and PPO, and back to disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.options import SftOptions
from crsbench_lm.pieces import train_tokenizer
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_ppo import memory
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.policy import PpoIufPolicy
from crsbench_rewards.options import RewardOptions
from crsbench_rewards.reward import IufReward
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

from crsbench.errors import UsageError
from crsbench.protocols import Staged
from crsbench.types import State, Turn, WeakLabel

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
FAMILIES = {
    "gpt2": lambda v: GPT2LMHeadModel(GPT2Config(vocab_size=v, n_embd=32, n_layer=2, n_head=2)),
    "llama": lambda v: LlamaForCausalLM(LlamaConfig(vocab_size=v, num_key_value_heads=1, **SMALL)),
    "qwen2": lambda v: Qwen2ForCausalLM(Qwen2Config(vocab_size=v, num_key_value_heads=1, **SMALL)),
}
SFT = SftOptions(epochs=1, max_words=4)


def on_disk(ctx: Any, family: str, folder: Path) -> str:
    """A randomly initialised model with its tokenizer."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer([d.turns for d in ctx.train.dialogues], 400)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    wrapped.save_pretrained(folder)
    FAMILIES[family](len(wrapped)).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("family", "extra"),
    [
        ("gpt2", {}),
        ("llama", {"lora": 4}),
        ("qwen2", {}),
        ("gpt2", {"lora": 4, "gradient_checkpointing": True}),
    ],
    ids=str,
)
def test_it_goes_through_the_whole_chain(
    toy_context: Any, toy_labels: WeakLabel, tmp_path: Path, family: str, extra: dict[str, Any]
) -> None:
    if "lora" in extra:
        pytest.importorskip("peft", reason="the extra [peft] is not installed")
    ctx = toy_context
    ctx.model = on_disk(ctx, family, tmp_path / "source")
    reward = IufReward(RewardOptions(epochs=1, max_words=4)).fit(ctx.transitions, toy_labels, ctx)
    ctx.reward = Staged(reward, "reward", tmp_path)
    options = PpoOptions(
        iterations=2, dialogues=8, minibatch=4, turns=1, value_warmup=0, curve=1, sft=SFT, **extra
    )
    policy = PpoIufPolicy(options).fit(ctx.train, ctx)
    assert all(np.isfinite(list(scalars.values())).all() for scalars in ctx.scalars)
    state = State((Turn("user", "I like horror films"),))
    before, after = (one.act([state])[0] for one in policy.stages().values())
    assert before.scores != after.scores

    policy.save(tmp_path / "policy")
    again = LanguageModelPolicy(4).load(tmp_path / "policy")
    assert again.act([state], "turn") == policy.act([state], "turn")
    stock = AutoModelForCausalLM.from_pretrained(tmp_path / "policy" / "lm")
    assert type(stock).__name__ == type(FAMILIES[family](300)).__name__
    told = (tmp_path / "policy" / "README.md").read_text(encoding="utf-8")
    assert f"`lm/` is {type(stock).__name__} with" in told
    assert "12 items" in told
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "policy" / "lm")
    model, codec = policy.model, policy.codec
    ids = torch.from_numpy(codec.encode(ctx.train.dialogues[0].turns).ids)[None]
    with torch.no_grad():
        hidden = model.trunk(model.embed(ids, model.item_embeddings()))
        words = stock(ids).logits[..., : model.words]
    torch.testing.assert_close(words, model.word_logits(hidden), atol=1e-5, rtol=1e-5)
    assert tokenizer("great film").input_ids == codec.tokenizer.encode("great film").ids


def test_adapters_leave_the_weights_they_adapt_alone(toy_context: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="the extra [peft] is not installed")
    from crsbench_lm.build import build_model
    from crsbench_lm.options import TinyOptions

    source = on_disk(toy_context, "llama", tmp_path)
    model, _ = build_model(source, TinyOptions(), [], toy_context.catalog, 64)
    before = {name: value.clone() for name, value in model.lm.state_dict().items()}
    ids = torch.arange(20)[None]
    plain = model.lm(ids).logits.detach()
    memory.prepare(model, PpoOptions(lora=4))
    trained = [name for name, p in model.lm.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora" in name for name in trained)
    torch.testing.assert_close(model.lm(ids).logits.detach(), plain)
    with torch.no_grad():
        for name, p in model.lm.named_parameters():
            if "lora_B" in name:
                p.normal_()
    adapted = model.lm(ids).logits.detach()
    assert (adapted - plain).abs().max() > 1e-3
    whole = memory.merged(model)
    assert whole.lm.state_dict().keys() == before.keys()
    torch.testing.assert_close(whole.lm(ids).logits.detach(), adapted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.lm(ids).logits.detach(), adapted)  # the copy alone was merged


def test_recomputed_activations_give_the_same_gradients(toy_context: Any, tmp_path: Path) -> None:
    from crsbench_lm.build import build_model
    from crsbench_lm.options import TinyOptions

    source = on_disk(toy_context, "gpt2", tmp_path)
    gradients = []
    for recompute in (False, True):
        options = PpoOptions(gradient_checkpointing=recompute)
        torch.manual_seed(1)
        model, _ = build_model(source, TinyOptions(), [], toy_context.catalog, 64)
        model.eval()
        memory.prepare(model, options)
        memory.recompute(model, options)
        assert model.lm.training is recompute
        model.lm(torch.arange(20)[None]).logits.square().mean().backward()
        gradients.append([p.grad for p in model.lm.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_low_rank_without_the_package_says_what_to_install(
    toy_context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(UsageError, match=r"crsbench\[peft\]"):
        memory.prepare(None, PpoOptions(lora=2))  # pyright: ignore
