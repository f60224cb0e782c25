"""A local causal language model by its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from crsbench_simulators.local import LocalModel
from crsbench_simulators.options import LanguageModelOptions
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from crsbench.errors import UsageError

WORDS = [
    "<eos>",
    "User",
    "Assistant",
    ":",
    "hello",
    "a",
    "film",
    "like",
    "want",
    "[LEAVE]",
    "bye",
    "yes",
    "no",
]
CHATS = [
    ({"role": "system", "content": "a"}, {"role": "user", "content": text}) for text in ("hello", "a film")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    words = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<eos>"))
    words.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>", unk_token="<eos>").save_pretrained(
        made
    )
    config = GPT2Config(
        vocab_size=len(WORDS), n_positions=128, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    GPT2LMHeadModel(config).save_pretrained(made)
    return made


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_an_answer_depends_on_its_chat_alone(folder: Path, temperature: float) -> None:
    options = LanguageModelOptions(model=str(folder), tokens=8, temperature=temperature)
    model = LocalModel(options)
    together = model.answers(CHATS)
    assert model.answers(CHATS[::-1])[::-1] == together
    assert LocalModel(options).answers(CHATS[1:]) == together[1:]
    assert all(set(text.split()) <= set(WORDS) for text in together)
    assert any(together)


def test_a_chat_template_is_used_where_there_is_one(folder: Path) -> None:
    model = LocalModel(LanguageModelOptions(model=str(folder), tokens=4))
    plain = model.answers(CHATS)
    seen: list[str] = []
    model._tokenizer.chat_template = "{% for m in messages %}{{ m.content }} {% endfor %}bye"
    decode = model._model.generate

    def generate(**given: torch.Tensor) -> torch.Tensor:
        seen.append(model._tokenizer.decode(given["input_ids"][0]))
        return decode(**given)

    model._model.generate = generate
    model.answers(CHATS)
    assert seen == ["a hello bye", "a a film bye"]
    assert len(plain) == 2


def test_no_model_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no causal language model") as caught:
        LocalModel(LanguageModelOptions(model=str(tmp_path)))
    assert "\n" not in str(caught.value)
