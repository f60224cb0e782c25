"""Everything that a training run is made of between two rounds, in one file that is whole or not there.

What is read back is bit for bit what was written: parameters, optimiser, numbers, and the state of every
random generator that the trainer or a plugin it calls could use.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

NAME = "checkpoint.safetensors"


def write(
    folder: Path,
    modules: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    facts: dict[str, Any],
) -> None:
    """Write `folder/checkpoint.safetensors`; `facts` is JSON."""
    tensors = {f"{name}/{key}": t for name, m in modules.items() for key, t in m.state_dict().items()}
    state = optimizer.state_dict()["state"]
    tensors |= {f"optimizer/{i}/{key}": t for i, entry in state.items() for key, t in entry.items()}
    tensors |= {f"random/torch/{n}": t for n, t in enumerate(_torch_states())}
    version, keys, gauss = random.getstate()
    name, words, *rest = np.random.get_state(legacy=True)
    told = {
        "facts": facts,
        "rng": rng.bit_generator.state,
        "python": [version, list(keys), gauss],
        "numpy": [name, cast(Any, words).tolist(), *rest],
    }
    # Tied tensors share memory, which the format does not know: each name gets its own copy.
    copies = {key: t.detach().cpu().clone().contiguous() for key, t in tensors.items()}
    part = folder / f".{NAME}"
    save_file(copies, part, metadata={"state": json.dumps(told)})
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, folder / NAME)


def read(
    folder: Path,
    modules: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Put everything back where it was; the facts, or None where there is no checkpoint."""
    if not (folder / NAME).exists():
        return None
    with safe_open(folder / NAME, "pt") as file:
        told = json.loads(file.metadata()["state"])
        tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    for name, module in modules.items():
        module.load_state_dict(_under(tensors, f"{name}/"))
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in _under(tensors, "optimizer/").items():
        index, _, field = key.partition("/")
        state.setdefault(int(index), {})[field] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    rng.bit_generator.state = told["rng"]
    version, keys, gauss = told["python"]
    random.setstate((version, tuple(keys), gauss))
    name, words, *rest = told["numpy"]
    np.random.set_state((name, np.array(words, np.uint32), *rest))
    cpu, *gpus = [tensor for _, tensor in sorted(_under(tensors, "random/torch/").items())]
    torch.set_rng_state(cpu)
    if gpus and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(gpus)
    return cast(dict[str, Any], told["facts"])


def _torch_states() -> list[Tensor]:
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])]


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
