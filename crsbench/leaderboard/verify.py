"""Whether a record is what its rows and values give: everything that can be computed again is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from crsbench.errors import DataError
from crsbench.leaderboard.ranks import MEASURES, SUBSETS, UNITS, Rows, recompute
from crsbench.leaderboard.records import KEPT, KEY, SLACK, Record, named, place, rounded
from crsbench.leaderboard.schema import complaints
from crsbench.record import Measured
from crsbench.stats import scores

HALF = 0.5 * 10**-KEPT + SLACK  # how far a kept number may be from what it was before it was rounded


def faults(record: Record) -> list[str]:
    """What is wrong with a record, one line each; empty where it all adds up."""
    result = record.record
    found = complaints(result)
    if found:
        return found
    where = place(result)
    if record.path.parts[-len(where.parts) :] != where.parts:
        found.append(f"it belongs into {where.as_posix()}")
    try:
        rows, kept, measured = record.rows(), record.values(), record.measured()
    except DataError as error:
        return [*found, error.message]
    return [
        *found,
        *_scores(result, measured),
        *_coverage(result, rows, kept),
        *_counts(result, rows),
        *_seals(result),
    ]


def _scores(result: Mapping[str, Any], measured: list[Measured]) -> list[str]:
    """Each score against the mean and the interval of its values."""
    found: list[str] = []
    for row, score in zip(result["scores"], scores(measured), strict=True):
        again = rounded(score)
        for name, value in again.items():
            near = isinstance(value, float) and abs(getattr(score, name) - row[name]) <= HALF
            if row[name] != value and not near:
                found.append(f"{named(row)}: {name} is {row[name]}, and its rows and values give {value}")
    return found


def _coverage(result: Mapping[str, Any], rows: Rows, kept: list[Measured]) -> list[str]:
    """No score twice, no value without its score, and of a ranking metric every subset and unit."""
    keys = [tuple(row[name] for name in KEY) for row in result["scores"]]
    found = [f"it has {key[1]} of {key[0]!r} twice" for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if not any(stage == "final" for stage, *_ in keys):
        found.append("it has no score of the stage 'final'")
    there = set(keys)
    for one in kept:
        v = one.values
        key = (one.stage, v.metric, v.subset, v.unit, v.decoding, one.simulator)
        if key not in there:
            found.append(f"it has values of {v.metric} ({one.stage}, subset {v.subset}) and no score of them")
    given = {name: recompute(rows, name) for name in rows.ranks}
    ranked = dict.fromkeys((stage, metric) for stage, metric, *_ in keys if MEASURES.fullmatch(metric))
    untold = (
        f"its rows give {metric} ({stage}, subset {subset}, by {unit}), and it does not tell"
        for (stage, metric), subset, unit in itertools.product(ranked, SUBSETS, UNITS)
        if stage in given and (stage, metric, subset, unit, None, None) not in there
        if given[stage](metric, subset, unit) is not None
    )
    return [*found, *untold]


def _counts(result: Mapping[str, Any], rows: Rows) -> list[str]:
    counts = result["counts"]
    told = {"rows": len(rows), "targets": rows.targets + sum(counts["dropped"].values())}
    return [
        f"counts.{name} is {counts[name]}, and its rows (with what was dropped) give {count}"
        for name, count in told.items()
        if counts[name] != count
    ]


def _seals(result: Mapping[str, Any]) -> list[str]:
    """Options that say that the policy met the simulator of the evaluation while it was trained."""
    run = result["run"]
    met = next((key for key, value in run["options"].items() if _met(key, value)), None)
    if met is not None and run["simulator"] is not None and not run["simulator_in_training"]:
        return [f"{met} is {run['options'][met]!r}, and simulator_in_training is not declared"]
    return []


def _met(key: str, value: object) -> bool:
    return key.rpartition(".")[2] == "rollout" and value == "simulator"
