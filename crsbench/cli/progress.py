"""A run's progress on standard error: live bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from crsbench.cli.output import console
from crsbench.hookspecs import StageInfo
from crsbench.ui import SilentUi, Ui

T = TypeVar("T")
EVERY = 30.0  # seconds between two lines about the same loop, where there are no bars


@contextlib.contextmanager
def progress_ui(quiet: bool) -> Generator[Ui]:
    """What fits where standard error goes; a terminal is left as it was found."""
    if quiet:
        yield SilentUi()
    elif not sys.stderr.isatty():
        yield LinesUi()
    else:
        with bars(console(stderr=True)) as live:
            yield LiveUi(live)


def bars(on: Console) -> Progress:
    """Bars that are gone when they are done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=on,
        transient=True,
        redirect_stdout=False,  # while a plugin is called it goes to the run's log
    )


def clock(seconds: float) -> str:
    """42 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _finished(stage: StageInfo) -> str:
    if stage.reused:
        return f"{stage.name}: reused ({stage.id})"
    steps = f", {stage.steps} steps" if stage.steps else ""
    return f"{stage.name}: {clock(stage.seconds)}{steps}"


class LinesUi:
    """Plain lines, sparse: for logs."""

    def stage_started(self, name: str) -> None:
        self.message(f"{name} …")

    def stage_finished(self, stage: StageInfo) -> None:
        self.message(_finished(stage))

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        started = said = time.monotonic()
        for done, step in enumerate(steps):
            now = time.monotonic()
            if done and now - said >= EVERY:
                said = now
                left = (now - started) / done * (total - done)
                self.message(f"{description}: {done} of {total}, {clock(max(left, 0))} left")
            yield step

    def message(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class LiveUi:
    """Bars with the time left; a stage leaves one line when it is finished."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._at: TaskID | None = None  # the stage that was started last

    def stage_started(self, name: str) -> None:
        self._clear()
        self._at = self._bars.add_task(name, total=None)

    def _clear(self) -> None:
        if self._at is not None:
            self._bars.remove_task(self._at)
            self._at = None

    def stage_finished(self, stage: StageInfo) -> None:
        self._clear()
        self._bars.console.print(f"[green]✓[/] {_finished(stage)}")

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        task = self._bars.add_task(description, total=total)
        try:
            for step in steps:
                yield step
                self._bars.advance(task)
        finally:
            self._bars.remove_task(task)

    def message(self, text: str) -> None:
        self._bars.console.print(text, markup=False)
