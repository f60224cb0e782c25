"""The processes of one run: one, or as many as `accelerate launch` started.

The *main* process does all that a single one does: it holds the locks, writes, evaluates, and tells the
observers. The others follow: they wait for each stage that it makes, read it, and take part in those that are
trained together (`Context.stage`). Where the main process fails, the launcher ends the others.
"""

from __future__ import annotations

import atexit
import datetime
import functools
import importlib
import os
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = datetime.timedelta(days=30)  # a process may wait for a stage as long as the stage takes


@dataclass(frozen=True)
class Team:
    """`rank` of this process among `size`. `cpu`: it is to compute on no GPU, though there may be one."""

    rank: int = 0
    size: int = 1
    cpu: bool = True

    @classmethod
    def launched(cls, device: str) -> Team:
        """What the launcher says of this process in its environment."""
        return cls(_rank(), launched(), device == "cpu")

    @property
    def main(self) -> bool:
        return self.rank == 0

    def tell(self, value: T) -> T:
        """The main process's value, in every process; until it is there the others wait."""
        if self.size == 1:
            return value
        held = [value]
        self._distributed.broadcast_object_list(held, src=0, group=self._group)
        return held[0]

    @functools.cached_property
    def _distributed(self) -> Any:
        # joins the processes, picks the GPU
        joined = importlib.import_module("accelerate").PartialState(cpu=self.cpu)
        # else threads that still listen to the others may abort the interpreter as it ends
        atexit.register(joined.destroy_process_group)
        return importlib.import_module("torch.distributed")

    @functools.cached_property
    def _group(self) -> Any:
        """Messages go over the network, whatever gradients use: waiting occupies no GPU."""
        return self._distributed.new_group(backend="gloo", timeout=PATIENCE)


ALONE = Team()


def follows() -> bool:
    """Whether this is not the main process."""
    return _rank() > 0


def launched() -> int:
    """How many processes the launcher started for this run."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def _rank() -> int:
    return int(os.environ["RANK"]) if launched() > 1 else 0
