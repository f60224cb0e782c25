"""Grounded models on disk.

`lm/` is a stock model of the transformers library: the composed item embeddings stand as rows of its
vocabulary, and `AutoModelForCausalLM` and `AutoTokenizer` load it. `head/` is what a stock model cannot
hold: the parts the item embeddings are composed of, the gates, the weights of the parts of an item's logit,
what counting remembers and the trees over it, the catalogue and the tokenizer without items.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import cast

import torch
from crsbench_features.links import LinkIndex
from crsbench_features.storage import load_catalog, save_catalog
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from crsbench.errors import DataError
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.evidence import Evidences
from crsbench_lm.model import GroundedLM

transformers_logging.disable_progress_bar()  # the suite's own bars show what takes long


def save_model(model: GroundedLM, codec: DialogueCodec, directory: Path) -> None:
    """Write `directory/lm` and `directory/head`."""
    stock = copy.deepcopy(model.lm).cpu()
    stock.resize_token_embeddings(model.words + model.items, mean_resizing=False)
    with torch.no_grad():
        items = model.item_embeddings().cpu()
        for layer in (stock.get_input_embeddings(), stock.get_output_embeddings()):
            cast(Tensor, layer.weight)[model.words :] = items
    stock.save_pretrained(directory / "lm")
    specials = {"pad_token": "<pad>", "eos_token": "<eot>"}
    copied = Tokenizer.from_str(codec.tokenizer.to_str())
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=copied, **specials)
    tokenizer.add_tokens([f"<item:{i}>" for i in range(model.items)], special_tokens=True)
    tokenizer.save_pretrained(directory / "lm")

    head = directory / "head"
    codec.save(head)
    tensors = {k: v.contiguous().cpu() for k, v in model.state_dict().items() if not k.startswith("lm.")}
    save_file(tensors, head / "head.safetensors")
    evidences = codec.evidences
    if evidences is not None:
        evidences.save(head / "memory")
    settings = {
        "words": model.words,
        "max_length": codec.max_length,
        "features": evidences.names if evidences is not None else None,
    }
    (head / "head.json").write_text(json.dumps(settings))
    save_catalog(codec.catalog, head)


def load_model(directory: Path, device: str = "cpu") -> tuple[GroundedLM, DialogueCodec]:
    """Read what `save_model` wrote. Raises DataError where a part of it is missing."""
    head = directory / "head"
    try:
        settings = json.loads((head / "head.json").read_text())
        catalog = load_catalog(head)
        tokenizer = Tokenizer.from_file(str(head / "tokenizer.json"))
        lm = cast(
            PreTrainedModel, AutoModelForCausalLM.from_pretrained(directory / "lm", dtype=torch.float32)
        )
    except OSError as error:
        raise DataError(f"{directory} holds no complete policy: {error}") from error
    lm.resize_token_embeddings(settings["words"])
    links = LinkIndex(catalog)
    names = settings["features"]
    evidences = Evidences.load(head / "memory", names) if names is not None else None
    model = GroundedLM(lm, links, torch.ones(len(evidences.names)) if evidences is not None else None)
    saved = load_file(head / "head.safetensors")
    own = {key: value.shape for key, value in model.state_dict().items() if not key.startswith("lm.")}
    if own != {key: value.shape for key, value in saved.items()}:
        raise DataError(f"{directory} was written by a version with another head", "train the policy again")
    model.load_state_dict(saved, strict=False)
    codec = DialogueCodec(tokenizer, catalog, links, settings["max_length"], evidences)
    return model.to(device).eval(), codec
