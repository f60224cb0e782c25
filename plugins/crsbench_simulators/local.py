"""Ask a causal language model that lies in a folder, through transformers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from crsbench.errors import UsageError
from crsbench.guard import one_line
from crsbench_simulators.endpoint import Chat
from crsbench_simulators.options import LanguageModelOptions

_NAMES = {"system": "", "user": "Assistant: ", "assistant": "User: "}  # without a chat template, it reads so


class LocalModel:
    """Chats are answered one by one, so that no answer depends on what else is asked. Weights are safetensors
    alone, and no code of the folder is run."""

    def __init__(self, options: LanguageModelOptions) -> None:
        folder = Path(options.model)
        if not folder.is_dir():
            raise UsageError(
                f"there is no folder {options.model!r} with a language model",
                "simulator.model is a folder, or the model's name at simulator.base_url",
            )
        self.options = options
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            ).eval()
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder} holds no causal language model: {one_line(error)}") from error

    def answers(self, chats: Sequence[Chat]) -> list[str]:
        return [self._answer(chat) for chat in chats]

    @torch.inference_mode()
    def _answer(self, chat: Chat) -> str:
        templated = bool(self._tokenizer.chat_template)
        if templated:
            read = self._tokenizer.apply_chat_template(
                list(chat), add_generation_prompt=True, return_dict=True, return_tensors="pt"
            )
        else:
            lines = [_NAMES[message["role"]] + message["content"] for message in chat]
            read = self._tokenizer("\n".join([*lines, "User:"]), return_tensors="pt")
        ids = read["input_ids"]
        torch.manual_seed(int.from_bytes(hashlib.sha256(repr(chat).encode()).digest()[:7], "big"))
        warm = {"temperature": self.options.temperature} if self.options.temperature > 0 else {}
        written = self._model.generate(
            input_ids=ids,
            attention_mask=read["attention_mask"],
            max_new_tokens=self.options.tokens,
            do_sample=bool(warm),
            pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            **warm,
        )
        text = self._tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True).strip()
        return text if templated else text.partition("\n")[0]
