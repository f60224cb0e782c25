"""Large language models in little memory: low-rank adapters, activations computed twice."""

from __future__ import annotations

import copy
import importlib
import warnings
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
        peft = _peft()
        config = peft.LoraConfig(r=options.lora, lora_alpha=2 * options.lora, target_modules="all-linear")
        with warnings.catch_warnings():
            # GPT-2 keeps its weights transposed: peft sees it, acts on it, and says so
            warnings.filterwarnings("ignore", "fan_in_fan_out")
            peft.inject_adapter_in_model(config, model.lm)
    if options.gradient_checkpointing:
        # renamed within transformers 5
        enable = getattr(model.lm, "activation_checkpointing_enable", model.lm.gradient_checkpointing_enable)
        enable({"use_reentrant": False})
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
