"""What a run leaves behind, and how it is read again.

`result.json` is the record; `values.jsonl` holds what its scores are means of: first the measured units (ids
and the dialogue that each belongs to), then one line a metric, subset and unit with a value for each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from crsbench.errors import DataError, UsageError, nearest
from crsbench.types import Values

SCHEMA = 1
RESULT = "result.json"
VALUES = "values.jsonl"
Decoding = Literal["greedy", "sampled"]


@dataclass(frozen=True, slots=True)
class Score:
    """One number of the record: a mean over `n` units and its 95% interval."""

    metric: str
    stage: str
    subset: str
    unit: str
    decoding: Decoding | None
    simulator: str | None
    value: float
    low: float
    high: float
    n: int
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric measured on one stage of the policy; `simulator` where it measured conversations."""

    stage: str
    simulator: str | None
    values: Values


@dataclass(frozen=True)
class Run:
    """A run on disk: its folder and its record (`result.json`)."""

    path: Path
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["run"]["id"])

    @property
    def complete(self) -> bool:
        return self.record["status"] == "complete"

    @property
    def scores(self) -> tuple[Score, ...]:
        return tuple(Score(**row) for row in self.record["scores"])

    def score(
        self,
        metric: str,
        stage: str = "final",
        subset: str = "all",
        unit: str | None = None,
        decoding: Decoding | None = None,
    ) -> Score:
        """The first score that fits (greedy comes before sampled). Raises UsageError where there is none."""
        for score in self.scores:
            if (score.metric, score.stage, score.subset) != (metric, stage, subset):
                continue
            if unit in (None, score.unit) and decoding in (None, score.decoding):
                return score
        for row in self.record["absent"]:
            if row["metric"] == metric and row["stage"] == stage:
                raise UsageError(f"run {self.id} has no {metric}: {row['reason']}")
        hint = nearest(metric, (score.metric for score in self.scores))
        raise UsageError(f"run {self.id} has no {metric} of stage {stage!r}, subset {subset!r}", hint)

    def measured(self) -> list[Measured]:
        """The values behind the scores, one for each measured unit."""
        return read_values(self.path / VALUES)


def load_run(path: str | Path) -> Run:
    """The run in a folder (or the one whose `result.json` is named).

    Raises UsageError where there is none or it never finished, DataError where its record is damaged.
    """
    folder = Path(path)
    if folder.name == RESULT:
        folder = folder.parent
    file = folder / RESULT
    if not file.is_file():
        why = "it is unfinished" if folder.is_dir() else "there is no such folder"
        raise UsageError(f"no {RESULT} in {folder}: {why}")
    try:
        record = json.loads(file.read_text("utf-8"))
        schema = record["schema"]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is damaged: {error}") from error
    if schema != SCHEMA:
        raise DataError(f"{file} has schema {schema!r}, and this version reads schema {SCHEMA}")
    return Run(folder, record)


def values_lines(measured: Iterable[Measured]) -> list[dict[str, Any]]:
    """The lines of `values.jsonl`; units that several metrics share are written once."""
    units: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
    lines: list[dict[str, Any]] = []
    for one in measured:
        values = one.values
        key = (values.ids, values.groups)
        if key not in units:
            units[key] = f"u{len(units)}"
            lines.append({"units": units[key], "ids": values.ids, "groups": values.groups})
        row = asdict(values)
        del row["ids"], row["groups"]
        lines.append({"stage": one.stage, "simulator": one.simulator, "of": units[key], **row})
    return lines


def read_values(file: Path) -> list[Measured]:
    """Read `values.jsonl`. Raises DataError naming the line where it is damaged."""
    try:
        return parse_values(file.read_text("utf-8").splitlines(), file)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def parse_values(lines: Iterable[str], file: Path) -> list[Measured]:
    """What lines of the format of `values_lines` hold. Raises DataError naming `file` and the line."""
    units: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    found: list[Measured] = []
    for number, line in enumerate(lines, 1):
        try:
            row = cast(dict[str, Any], json.loads(line))
            if "units" in row:
                units[row["units"]] = (tuple(row["ids"]), tuple(row["groups"]))
                continue
            ids, groups = units[row.pop("of")]
            stage, simulator = row.pop("stage"), row.pop("simulator")
            row |= {key: tuple(row[key]) for key in ("values", "bounds") if key in row}
            found.append(Measured(stage, simulator, Values(ids=ids, groups=groups, **row)))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{file}, line {number} is damaged: {error}") from error
    return found
