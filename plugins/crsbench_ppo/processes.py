"""Data parallelism: each process holds its share of every minibatch, and sums run over all of them.

One process as a rule, and then nothing happens here. Started by `accelerate launch`, N processes roll out a
part each of the conversations of a round. A loss is a sum over what a process holds divided by the number in
all; gradients are summed, so that every process takes the same step as one that held everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from accelerate import PartialState
from accelerate.utils import reduce  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

from crsbench.errors import UsageError


def rank() -> int:
    return PartialState().process_index


def size() -> int:
    return PartialState().num_processes


def total(value: Tensor) -> Tensor:
    """The sum of a tensor over the processes."""
    if size() == 1:
        return value
    here = value.detach().to(PartialState().device, copy=True)  # between GPUs nothing on a CPU is summed
    return reduce(here, "sum").to(value.device)  # pyright: ignore[reportAttributeAccessIssue]


def totals(numbers: Mapping[str, float]) -> dict[str, float]:
    """Sums over the processes, by name."""
    if size() == 1:
        return dict(numbers)
    summed = total(torch.tensor(list(numbers.values()), dtype=torch.float64))
    return dict(zip(numbers, summed.tolist(), strict=True))


def mean(values: Tensor) -> Tensor:
    """The mean of all values that the processes hold."""
    whole, n = total(torch.stack([values.double().sum(), torch.ones_like(values, dtype=torch.float64).sum()]))
    return (whole / n).to(values.dtype)


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Every process gets the sum of the gradients of all."""
    if size() == 1:
        return
    held = list(parameters)
    for p in held:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    flat = total(torch.cat([p.grad.flatten() for p in held if p.grad is not None]))
    for p, part in zip(held, flat.split([p.numel() for p in held]), strict=True):
        p.grad = part.view_as(p)


def share(n: int, what: str) -> int:
    """This process's part of `n`. Raises UsageError where the processes cannot have equal ones."""
    if n % size():
        text = f"{what}={n} cannot be shared evenly by {size()} processes"
        raise UsageError(text, f"-o {what}=N takes a multiple of {size()}")
    return n // size()


def wait() -> None:
    PartialState().wait_for_everyone()
