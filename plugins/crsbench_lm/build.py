"""A grounded language model from `--model`: tiny, a local directory, or a hub name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from crsbench_features.links import LinkIndex
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from crsbench.errors import UsageError
from crsbench.types import Catalog, Turn
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.evidence import Evidences
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import TinyOptions
from crsbench_lm.pieces import SPECIALS, train_tokenizer


def build_model(
    model: str,
    tiny: TinyOptions,
    histories: Sequence[Sequence[Turn]],
    catalog: Catalog,
    max_length: int,
    evidences: Evidences | None = None,
    dropout: float = 0.0,
) -> tuple[GroundedLM, DialogueCodec]:
    """A new model and its codec. Raises UsageError where `model` cannot be loaded."""
    links = LinkIndex(catalog)
    scale = torch.tensor(evidences.scale) if evidences is not None else None
    if model == "tiny":
        tokenizer = train_tokenizer(histories, tiny.vocabulary)
        codec = DialogueCodec(tokenizer, catalog, links, max_length, evidences)
        config = LlamaConfig(
            vocab_size=codec.words,
            hidden_size=tiny.width,
            intermediate_size=tiny.width * 3,
            num_hidden_layers=tiny.layers,
            num_attention_heads=tiny.heads,
            num_key_value_heads=tiny.heads,
            max_position_embeddings=max(2048, max_length + 512),
            tie_word_embeddings=True,
            pad_token_id=codec.pad,
            bos_token_id=None,
            eos_token_id=codec.eot,
        )
        return GroundedLM(LlamaForCausalLM(config), links, scale, dropout), codec
    try:
        tokenizer_of = AutoTokenizer.from_pretrained(model)
        lm = cast(PreTrainedModel, AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot load the language model {model!r}: {str(error).splitlines()[0]}",
            "--model takes `tiny`, a local directory or a hub name of a causal language model",
        ) from error
    tokenizer_of.add_special_tokens({"additional_special_tokens": list(SPECIALS)})
    tokenizer = tokenizer_of.backend_tokenizer
    lm.resize_token_embeddings(tokenizer.get_vocab_size(with_added_tokens=True), mean_resizing=False)
    codec = DialogueCodec(tokenizer, catalog, links, max_length, evidences)
    return GroundedLM(lm, links, scale, dropout), codec
