"""How training went: `curves.jsonl` as pictures, and the reward that was trained for against the truth."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crsbench.errors import DataError
from crsbench.pictures import Points, lines
from crsbench.record import Run

FILE = "curves.jsonl"
PROXY, DIVERGENCE, TRUE = "reward", "kl_items", "satisfaction"
Picture = tuple[str, str]  # what it shows, SVG
Point = Mapping[str, Any]


def read(run: Run) -> list[Point]:
    """The reported steps. Raises DataError where the file is damaged."""
    file = run.path / FILE
    try:
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{FILE} of run {run.id} cannot be read: {type(error).__name__}") from error


def training(points: Sequence[Point]) -> Iterator[Picture]:
    """One picture for each measure that a stage reports; its losses share one."""
    panels: dict[tuple[str, str], dict[str, Points]] = {}
    for name, stage, curve in _curves(points):
        loss = name.endswith(("loss", "nll"))
        panels.setdefault((stage, "losses" if loss else name), {})[name] = curve
    for (stage, name), curves in panels.items():
        yield f"{stage}: {name.replace('_', ' ')}", lines(curves, "step", name.replace("_", " "))


def _curves(points: Sequence[Point]) -> Iterator[tuple[str, str, Points]]:
    """(measure, stage, points) of what training reported, in order of appearance."""
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for point in points:
        for key, value in point.items():
            stage, slash, name = key.partition("/")
            if slash and isinstance(value, (int, float)) and math.isfinite(value):
                xs, ys = found.setdefault((name, stage), ([], []))
                xs.append(point["step"])
                ys.append(value)
    return ((name, stage, curve) for (name, stage), curve in found.items())


def optimisation(run: Run, points: Sequence[Point]) -> list[Picture]:
    """The reward in training beside true satisfaction over the rounds, and the truth against KL.

    Empty where the run has no truth or kept no earlier policies: then nothing can be seen of it.
    """
    judged = {point["step"]: point[TRUE] for point in points if TRUE in point}
    proxy = _by_step(points, PROXY)
    kl = _by_step(points, DIVERGENCE)
    if not judged or not proxy:
        return []
    truth = {**judged, max(proxy): _final(run)}
    truth = {step: value for step, value in sorted(truth.items()) if value is not None}
    both = {
        "R_φ in training": (list(proxy), list(proxy.values())),
        "true satisfaction": (list(truth), list(truth.values())),
    }
    pictures = [("reward and truth over the rounds", lines(both, "round", "mean", dots=True))]
    steps = [step for step in truth if step in kl and step in proxy]
    if len(steps) > 1:
        distance = [kl[step] for step in steps]
        against = {
            "R_φ in training": (distance, [proxy[step] for step in steps]),
            "true satisfaction": (distance, [truth[step] for step in steps]),
        }
        pictures.append(
            (
                "reward and truth against KL",
                lines(against, "KL to the start, nats an item", "mean", dots=True),
            )
        )
    return pictures


def _by_step(points: Sequence[Point], name: str) -> dict[int, float]:
    """The curve of the one stage that reports a reward of its own in training."""
    found = {p["step"]: p[key] for p in points for key in p if key.endswith(f"/{name}")}
    return dict(sorted(found.items()))


def _final(run: Run) -> float | None:
    for score in run.scores:
        if (score.metric, score.stage, score.subset, score.decoding) == (TRUE, "final", "all", "greedy"):
            return score.value
    return None
