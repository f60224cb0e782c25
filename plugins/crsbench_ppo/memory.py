"""Large language models in little memory: low-rank adapters, activations computed twice."""

from __future__ import annotations

import copy
import importlib
from typing import Any

from crsbench_lm.model import GroundedLM
from torch import nn

from crsbench.errors import UsageError
from crsbench_ppo.options import PpoOptions


def prepare(model: GroundedLM, options: PpoOptions) -> None:
    """Put adapters of rank `lora` around every linear layer of the language model, which is then frozen.

    Raises UsageError where peft is not installed.
    """
    if options.lora:
        config = _peft().LoraConfig(
            r=options.lora, lora_alpha=2 * options.lora, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        model.lm = _peft().get_peft_model(model.lm, config).get_base_model()
    if options.gradient_checkpointing:
        model.lm.gradient_checkpointing_enable({"use_reentrant": False})
        for module in model.lm.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            elif hasattr(module, "attention_dropout"):
                module.attention_dropout = 0.0


def recompute(model: GroundedLM, options: PpoOptions) -> None:
    """Models of transformers do it in training mode alone; dropout is off all the same."""
    if options.gradient_checkpointing:
        model.lm.train()


def merged(model: GroundedLM) -> GroundedLM:
    """A copy whose adapters are added to the weights they adapt: of its stock architecture again."""
    whole = copy.deepcopy(model)
    for parent in list(whole.lm.modules()):
        for name, child in list(parent.named_children()):
            if hasattr(child, "merge") and hasattr(child, "get_base_layer"):
                child.merge()
                setattr(parent, name, child.get_base_layer())
    return whole


def _peft() -> Any:
    try:
        return importlib.import_module("peft")
    except ImportError as error:
        raise UsageError("lora needs the package peft", "pip install 'crsbench[peft]'") from error
