"""What trackio is told of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import trackio

from crsbench.hookspecs import RunInfo


def begin(project: str, run: RunInfo) -> Any:
    """trackio's run under this run's id; one that goes on after an interruption is taken up again."""
    return trackio.init(
        project=project,
        name=run.id,
        group=run.plugin,
        config=asdict(run),
        resume="allow",
        embed=False,
        auto_log_cpu=False,
        auto_log_gpu=False,
    )


def scores(result: Mapping[str, Any]) -> dict[str, float]:
    """The record's scores of whole test sets: {"final/recall@10": …, "final/satisfaction, greedy": …}."""
    return {
        ", ".join(filter(None, [f"{s['stage']}/{s['metric']}", s["decoding"]])): s["value"]
        for s in result["scores"]
        if s["subset"] == "all" and s["unit"] in ("row", "episode")
    }
