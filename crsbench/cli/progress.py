"""A run's progress on standard error: live bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from crsbench.cli.output import console
from crsbench.hookspecs import StageInfo, hookimpl
from crsbench.ui import PROGRESS, SilentUi, Ui, counted

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


class _Display:
    """Observes loops and stages, of a run by the hooks that everybody has; `at` and `line` are drawn."""

    def at(self, loop: str, done: int, total: int) -> None:
        """Draw that a loop is at `done` of `total`: each display in its own way."""
        raise NotImplementedError

    def line(self, stage: StageInfo) -> None:
        """Leave a line of a finished stage."""
        raise NotImplementedError

    @hookimpl
    def crsbench_step(self, step: int, scalars: Mapping[str, float]) -> None:
        for name, share in scalars.items():
            if name.startswith(PROGRESS):
                self.at(name.removeprefix(PROGRESS), step, round(step / share))

    @hookimpl
    def crsbench_stage_finished(self, stage: StageInfo) -> None:
        self.line(stage)

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterator[T]:
        """Outside of runs, where there is nothing to observe."""
        return counted(steps, total, lambda done: self.at(description, done, total))


class LinesUi(_Display):
    """Plain lines, sparse: for logs."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}  # of each loop: when it was first heard of, and how far
        self._said = 0.0

    def stage_started(self, name: str) -> None:
        self._seen.clear()
        self._said = time.monotonic()
        self.message(f"{name} …")

    def line(self, stage: StageInfo) -> None:
        self.message(_finished(stage))

    def at(self, loop: str, done: int, total: int) -> None:
        now = time.monotonic()
        began, first = self._seen.setdefault(loop, (now, done))
        if now - self._said >= EVERY and first < done < total:
            self._said = now
            left = (now - began) / (done - first) * (total - done)
            self.message(f"{loop}: {done} of {total}, {clock(left)} left")

    def message(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class LiveUi(_Display):
    """Bars with the time left; a stage leaves one line when it is finished."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def stage_started(self, name: str) -> None:
        self._clear()
        self._tasks[""] = self._bars.add_task(name, total=None)

    def line(self, stage: StageInfo) -> None:
        self._clear()
        self._bars.console.print(f"[green]✓[/] {_finished(stage)}")

    def at(self, loop: str, done: int, total: int) -> None:
        if loop not in self._tasks:
            self._tasks[loop] = self._bars.add_task(loop, total=total)
        self._bars.update(self._tasks[loop], completed=done)
        if done >= total:
            self._bars.remove_task(self._tasks.pop(loop))

    def message(self, text: str) -> None:
        self._bars.console.print(text, markup=False)

    def _clear(self) -> None:
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks.clear()
