"""How a run talks to the person who started it: a protocol, and the implementation that says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from crsbench.hookspecs import StageInfo

T = TypeVar("T")


class Ui(Protocol):
    """Everything here is for people: nothing is returned, and nothing may change what a run does."""

    def stage_started(self, name: str) -> None:
        """A stage is about to be built (or, for "load" and "evaluate", to be worked on)."""
        ...

    def stage_finished(self, stage: StageInfo) -> None:
        """A stage was built, or found finished: `stage.reused` says which."""
        ...

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        """Pass `steps` on one by one, showing how far they are of `total` and the time left."""
        ...

    def message(self, text: str) -> None:
        """One line worth reading: a warning, or what was found."""
        ...


class SilentUi:
    """Says nothing: what tests and the Python API use."""

    def stage_started(self, name: str) -> None:
        del name

    def stage_finished(self, stage: StageInfo) -> None:
        del stage

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        del total, description
        return iter(steps)

    def message(self, text: str) -> None:
        del text
