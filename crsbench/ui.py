"""How a run talks to the person who started it: a protocol, and the implementation that says nothing.

What a run does is told to observers, and what draws it for people is an observer like any other. Here is
what no hook tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
PROGRESS = "progress/"  # before the name of a loop, in the scalars of `crsbench_step`
EVERY = 0.5  # seconds between two reports of a loop


class Ui(Protocol):
    """Everything here is for people: nothing is returned, and nothing may change what a run does."""

    def stage_started(self, name: str) -> None:
        """A stage is about to be built (or, for "load" and "evaluate", to be worked on)."""
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

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        del total, description
        return iter(steps)

    def message(self, text: str) -> None:
        del text


class ObservedUi:
    """The Ui of a run: `tell(description, done, total)` tells the observers how far its loops are."""

    def __init__(self, ui: Ui, tell: Callable[[str, int, int], None]) -> None:
        self.stage_started = ui.stage_started
        self.message = ui.message
        self._tell = tell

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        return counted(steps, total, lambda done: self._tell(description, done, total))


def counted(steps: Iterable[T], total: int, tell: Callable[[int], None]) -> Iterator[T]:
    """Pass `steps` on, and tell how many are done: now and then, and at the end if it was told before."""
    said, told = time.monotonic(), False
    for done, step in enumerate(steps):
        now = time.monotonic()
        if done and now - said >= EVERY:
            said, told = now, True
            tell(done)
        yield step
    if told:
        tell(total)
