"""Observers in use: runs go to the experiment tracker trackio where CRSBENCH_TRACKIO names a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from crsbench import hookimpl
from crsbench.hookspecs import RunInfo

_ENVIRONMENT = "CRSBENCH_TRACKIO"
_tracked: dict[str, Any] = {}  # run id → trackio's run


@hookimpl
def crsbench_run_started(run: RunInfo) -> None:
    if project := os.environ.get(_ENVIRONMENT):
        from crsbench_observers.tracker import begin  # imports trackio, which takes seconds

        _tracked[run.id] = begin(project, run)


@hookimpl
def crsbench_step(run: RunInfo, step: int, scalars: Mapping[str, float]) -> None:
    learnt = {name: value for name, value in scalars.items() if not name.startswith("progress/")}
    if run.id in _tracked and learnt:
        _tracked[run.id].log(learnt, step=step)


@hookimpl
def crsbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    if run.id in _tracked:
        from crsbench_observers.tracker import scores

        _tracked[run.id].log(scores(result))
        _tracked.pop(run.id).finish()


@hookimpl
def crsbench_run_failed(run: RunInfo, error: str) -> None:
    if run.id in _tracked:
        _tracked[run.id].alert("the run failed", error)
        _tracked.pop(run.id).finish()
