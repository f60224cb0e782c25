"""The lines of a leaderboard: a policy, the mean over its seeds, and what it is compared by.

Runs that differ in their seed alone are one line. A measure's values are then each unit's mean over the
seeds, on the units that every seed measured; its interval is the bootstrap's over dialogues, and beside it
stands the t-interval over seeds. A line of one seed has the intervals of its record.
"""

from __future__ import annotations

import functools
import json
import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from crsbench.intervals import Interval, bcas, over_seeds, seed_variance
from crsbench.leaderboard.records import Record
from crsbench.plugins import OURS
from crsbench.record import Measured, Score

Floats = NDArray[np.float64]
_DEFAULTS = {"model": "tiny", "precision": "fp32", "seed": 0}
FINAL = "final"  # the stage that stands in the tables; earlier ones are details of a record


class Measure(NamedTuple):
    """What a column holds; only cells of one measure are compared."""

    metric: str
    subset: str
    unit: str
    decoding: str | None
    simulator: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A line's mean in one measure over `n` units; `over_seeds` is its t-interval, None for one seed."""

    value: float
    low: float
    high: float
    n: int
    over_seeds: Interval | None


class Units:
    """What was measured: names, and the dialogue of each as a number [N]; `sizes` [G] of the dialogues."""

    def __init__(self, ids: tuple[str, ...], groups: tuple[str, ...]) -> None:
        self.ids = ids
        self.groups = groups
        numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
        self.numbers = np.array([numbers[group] for group in groups], np.int64)
        self.sizes = np.bincount(self.numbers).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """The sum of values [N] in each dialogue [G]."""
        return np.bincount(self.numbers, weights=values, minlength=len(self.sizes)).astype(np.float64)


@functools.lru_cache(maxsize=1024)
def units(ids: tuple[str, ...], groups: tuple[str, ...]) -> Units:
    """The same object for the same units, so that whether lines share them is seen at once."""
    return Units(ids, groups)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a cell is the mean of: values [N] of units."""

    units: Units
    values: Floats
    seeds: int = 1
    of_seeds: float = 0.0  # the variance of their mean that other seeds would add


@dataclass(frozen=True, slots=True)
class Line:
    """A policy with its options, and its records, one a seed."""

    records: tuple[Record, ...]
    cells: Mapping[Measure, Cell]
    higher: Mapping[Measure, bool]

    @property
    def run(self) -> Mapping[str, Any]:
        return self.records[0].record["run"]

    @property
    def policy(self) -> str:
        """Its name; that of a stranger with its distribution."""
        return str(self.run["plugin"]).removeprefix(f"{OURS}/")

    @property
    def options(self) -> str:
        """The options that were passed, those of the policy first."""
        passed: Mapping[str, Any] = self.run["options_passed"]
        return " ".join(f"{key}={_spelled(value)}" for key, value in passed.items())

    @property
    def privileged(self) -> bool:
        return bool(self.run["privileged"])

    @property
    def met_simulator(self) -> bool:
        return bool(self.run["simulator_in_training"])

    @property
    def seconds(self) -> float:
        """What a run takes from nothing: its own time and that of the stages that it found (the median)."""
        return statistics.median(_seconds(one.record) for one in self.records)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(int(one.record["run"]["seed"]) for one in self.records)

    @property
    def command(self) -> str:
        """What makes its runs again; where its seeds have gaps, the first of them."""
        seeds = self.seeds
        several = len(seeds) if seeds == tuple(range(seeds[0], seeds[0] + len(seeds))) else 1
        return command(self.records[0].record["config"], several)


def make_line(records: Sequence[Record]) -> tuple[Line, dict[Measure, Sample]]:
    """A line of records that differ in their seed alone, and what its cells are means of.

    The samples are much larger than the line, and needed no longer than to compare it with others. Raises
    DataError where a record is damaged.
    """
    seeds = [_samples(record.measured(FINAL)) for record in records]
    first, _ = seeds[0]
    samples: dict[Measure, Sample] = {}
    by_seed: dict[Measure, list[float]] = {}
    for measure in first:
        if all(measure in some for some, _ in seeds):
            shared = _shared([some[measure] for some, _ in seeds])
            if shared is not None:
                samples[measure], by_seed[measure] = shared
    if len(records) == 1:
        of_record = (score(row) for row in records[0].record["scores"] if row["stage"] == FINAL)
        cells = {measure: Cell(one.value, one.low, one.high, one.n, None) for measure, one in of_record}
    else:
        cells = _cells(samples, by_seed)
    higher = {measure: up for _, some in seeds for measure, up in some.items()}
    return Line(tuple(records), cells, higher), samples


def command(config: Mapping[str, Any], seeds: int = 1) -> str:
    """`crsbench run …` for a shell, with so many seeds from the config's on; defaults are left out."""
    words = ["crsbench", "run"]
    for key, value in config.items():
        if key == "options" or _DEFAULTS.get(key) == value:
            continue
        text = ",".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)
        words += [f"--{key.replace('_', '-')}", text]
    if seeds > 1:
        words += ["--seeds", str(seeds)]
    for key, value in config["options"].items():
        words += ["-o", f"{key}={_spelled(value)}"]
    return shlex.join(words)


def _spelled(value: Any) -> str:
    """A value as `-o` reads it."""
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def score(row: Mapping[str, Any]) -> tuple[Measure, Score]:
    """A score of a record under its measure."""
    one = Score(**row)
    return Measure(one.metric, one.subset, one.unit, one.decoding, one.simulator), one


def _samples(measured: Sequence[Measured]) -> tuple[dict[Measure, Sample], dict[Measure, bool]]:
    found: dict[Measure, Sample] = {}
    higher: dict[Measure, bool] = {}
    for one in measured:
        v = one.values
        measure = Measure(v.metric, v.subset, v.unit, v.decoding, one.simulator)
        found[measure] = Sample(units(v.ids, v.groups), np.array(v.values))
        higher[measure] = v.higher_is_better
    return found, higher


def _shared(seeds: Sequence[Sample]) -> tuple[Sample, list[float]] | None:
    """Each unit's mean over seeds and each seed's mean, of the units that all have; None without any."""
    of = seeds[0].units
    values = [one.values for one in seeds]
    if any(one.units is not of for one in seeds):
        places = [{name: i for i, name in enumerate(one.units.ids)} for one in seeds]
        kept = [i for i, name in enumerate(of.ids) if all(name in place for place in places)]
        if not kept:
            return None
        of = units(tuple(of.ids[i] for i in kept), tuple(of.groups[i] for i in kept))
        values = [one[[place[name] for name in of.ids]] for one, place in zip(values, places, strict=True)]
    if len(seeds) == 1:
        return seeds[0], []
    variance = seed_variance(np.array([of.sums(one) for one in values]), of.sizes)
    each = [float(one.mean()) for one in values]
    return Sample(of, np.mean(values, axis=0), len(seeds), variance), each


def _cells(
    samples: Mapping[Measure, Sample], by_seed: Mapping[Measure, Sequence[float]]
) -> dict[Measure, Cell]:
    """Intervals over dialogues, those of the same units resampled together, and over seeds."""
    alike: dict[Units, list[Measure]] = {}
    for measure, sample in samples.items():
        alike.setdefault(sample.units, []).append(measure)
    found: dict[Measure, Cell] = {}
    for of, some in alike.items():
        sums = np.array([of.sums(samples[measure].values) for measure in some])
        for measure, bounds in zip(some, bcas(sums, of.sizes), strict=True):
            value = float(samples[measure].values.mean())
            found[measure] = Cell(value, *bounds, len(of.ids), over_seeds(by_seed[measure]))
    return {measure: found[measure] for measure in samples}


def _seconds(record: Mapping[str, Any]) -> float:
    found = sum(stage["seconds"] for stage in record["stages"] if stage["reused"])
    return float(record["provenance"]["seconds"]) + found
