"""Where stages are built: under a random state of their own, told to observers, with their curves."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from crsbench.asking import Guard
from crsbench.errors import PluginError
from crsbench.hookspecs import RunInfo, StageInfo
from crsbench.identity import derive
from crsbench.plan import Part
from crsbench.plugins import Host, guarded
from crsbench.protocols import Staged
from crsbench.store import Stage, Store, checkpoints, make_folder, stage_id
from crsbench.team import ALONE, Team
from crsbench.ui import PROGRESS, ObservedUi, Ui

T = TypeVar("T")
Line = dict[str, Any]


@dataclass
class Workshop:
    """Builds or finds the stages of one run, and collects what the record says of them.

    `replace`: nothing that is there already is used, but what this run has built itself.
    """

    store: Store
    info: RunInfo
    host: Host
    ui: Ui
    log: TextIO
    replace: bool
    team: Team = ALONE
    stages: dict[str, StageInfo] = field(default_factory=dict[str, StageInfo])
    curves: list[Line] = field(default_factory=list[Line])
    began: int = 0
    met_users: bool = False  # training was handed the simulator
    _open: list[_Building] = field(default_factory=list["_Building"])

    def __post_init__(self) -> None:
        self.began = len(self.host.observer_failures)
        self.host.observe("crsbench/display", self.ui)
        self.ui = ObservedUi(self.ui, self._progressed)

    @property
    def observer_failures(self) -> list[str]:
        """What observers raised during this run."""
        return self.host.observer_failures[self.began :]

    def guard(self, part: Part, purpose: str) -> Guard:
        """Around calls of `part` for one purpose: each call gets the next of a row of seeds."""
        calls = itertools.count()

        def guard() -> AbstractContextManager[None]:
            seed = derive(self.info.seed, part.name, purpose, str(next(calls)))
            return guarded(part.offer, seed, self.log)

        return guard

    def stage(
        self,
        part: Part,
        name: str,
        inputs: Mapping[str, object],
        build: Callable[[Path], None],
        load: Callable[[Path], T],
        together: bool = False,
    ) -> Staged[T]:
        """The stage of these inputs (all that its identity is made of), and what `load` makes of it.

        `build` and `load` run under random states that depend on the run's seed and the stage's name alone,
        so that nothing differs between a stage that was just built and one that was found.
        """
        expected = stage_id(name, inputs)
        if any(building.id == expected for building in self._open):
            raise PluginError(f"{part.name}: stage {name!r} asks for itself", part.name)

        def make(folder: Path) -> int:
            self.ui.stage_started(name)
            self._open.append(_Building(name, expected, folder))
            try:
                with guarded(part.offer, derive(self.info.seed, name, "build"), self.log):
                    build(folder / "files")
                return self._open[-1].steps
            finally:
                self._open.pop()

        fresh = self.replace and expected not in self.stages
        stage = self.store.stage(name, inputs, make, fresh, self.ui.message, self.team, together)
        self._finished(stage)
        with guarded(part.offer, derive(self.info.seed, name, "load"), self.log):
            value = load(stage.path)
        return Staged(value, stage.id, stage.path)

    def checkpoints(self, part: Part) -> Path:
        """The folder of the stage that is being built which outlives an interruption of it."""
        if not self._open:
            raise PluginError(f"{part.name}: checkpoints belong to a stage that is being built", part.name)
        folder = checkpoints(self._open[-1].folder)
        make_folder(folder)
        return folder

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        """A training step of the stage that is being built, or of the policy outside of any stage."""
        building = self._open[-1] if self._open else None
        numbers = {name: float(value) for name, value in scalars.items()}
        known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        line = {**known, "stage": building.name if building else None, "step": int(step)}
        if building is None:
            self.curves.append(line)
        else:
            building.write(line)
        self.host.notify("crsbench_step", run=self.info, step=int(step), scalars=numbers)

    def _progressed(self, loop: str, done: int, total: int) -> None:
        """For observers alone: how fast a machine is belongs in no record."""
        share = {f"{PROGRESS}{loop}": done / total}
        self.host.notify("crsbench_step", run=self.info, step=done, scalars=share)

    def _finished(self, stage: Stage) -> None:
        if stage.id in self.stages:
            return
        info = StageInfo(stage.name, stage.id, stage.seconds, stage.steps, stage.reused)
        self.stages[stage.id] = info
        if stage.curves.exists():
            self.curves += [json.loads(line) for line in stage.curves.read_text("utf-8").splitlines()]
        print(f"stage {info.name} {info.id}: {'reused' if info.reused else 'built'}", file=self.log)
        self.host.notify("crsbench_stage_finished", run=self.info, stage=info)


@dataclass
class _Building:
    """A stage that is being built."""

    name: str
    id: str
    folder: Path
    steps: int = 0

    def write(self, line: Line) -> None:
        self.steps += 1
        with (self.folder / "curves.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
