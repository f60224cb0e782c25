"""The hooks. A plugin is a module (or object) with any of these functions, marked `@crsbench.hookimpl`.

Every collecting hook returns a list of `Spec`. Nothing is constructed, and nothing heavy imported, before
a run names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from crsbench.config import Options

# What plugins are written for: hooks, protocols and data types. The minor number grows with what is added,
# the major one where something written for an earlier version no longer works.
INTERFACE = "1.2"

hookspec = pluggy.HookspecMarker("crsbench")
hookimpl = pluggy.HookimplMarker("crsbench")


@dataclass(frozen=True, slots=True)
class Spec:
    """What a plugin offers under one name.

    `make` is called with the validated options and returns the part (see `protocols.py`); as
    "module:Class" it is imported when a run first names it. `options` is a subclass of `Options`, or
    "module:Class" alike. `privileged` marks a scenario's own policies, which are handed its truth.
    """

    name: str
    make: str | Callable[..., Any]
    options: str | type[Options] | None = None
    summary: str = ""
    privileged: bool = False


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A frozen copy of what a run is, for observers."""

    id: str
    plugin: str
    dataset: str
    protocol: str
    seed: int
    out: str


@dataclass(frozen=True, slots=True)
class StageInfo:
    """A finished stage: `seconds` it took (when it was built) and whether it was reused."""

    name: str
    id: str
    seconds: float
    steps: int
    reused: bool


@hookspec
def crsbench_datasets() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer datasets (`protocols.Dataset`)."""


@hookspec
def crsbench_signals() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer sources of implicit signals (`protocols.SignalSource`)."""


@hookspec
def crsbench_labels() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer models that turn signals into weak labels (`protocols.LabelModel`)."""


@hookspec
def crsbench_rewards() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer reward models (`protocols.RewardModel`)."""


@hookspec
def crsbench_policies() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer policies (`protocols.Policy`): what `crsbench run --plugin` names."""


@hookspec
def crsbench_metrics() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer metrics (`protocols.Metric`)."""


@hookspec
def crsbench_simulators() -> list[Spec]:  # pyright: ignore[reportReturnType]
    """Offer simulated users (`protocols.Simulator`)."""


@hookspec
def crsbench_run_started(run: RunInfo) -> None:
    """Observe a run that starts."""


@hookspec
def crsbench_stage_finished(run: RunInfo, stage: StageInfo) -> None:
    """Observe a stage that was built or found finished."""


@hookspec
def crsbench_step(run: RunInfo, step: int, scalars: Mapping[str, float]) -> None:
    """Observe a training step, or how far a long loop is.

    Of a loop `scalars` is {"progress/NAME": share that is done}, 1 at its end, and `step` how many of its
    steps are done.
    """


@hookspec
def crsbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    """Observe a run that finished; `result` is a copy of its record."""


@hookspec
def crsbench_run_failed(run: RunInfo, error: str) -> None:
    """Observe a run that failed."""
