"""The plan of a leaderboard: which policies run on which data, with how many seeds.

A plan is a TOML file of `[[rows]]` tables; see `Row` for their fields. Each policy on each dataset with each
seed is a cell: one run and one record.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crsbench.config import RunConfig
from crsbench.errors import UsageError


class Row(BaseModel):
    """Some policies on some data: `on` names datasets, or `dataset/protocol`.

    `minutes` is what one run takes, about, on two cores with its shared stages there: the estimate until a
    record tells. `options` are those of `-o`, `settings` other flags of `crsbench run`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policies: tuple[str, ...] = Field(min_length=1)
    on: tuple[str, ...] = Field(min_length=1)
    seeds: int = Field(default=1, ge=1, le=1000)
    minutes: float = Field(gt=0)
    options: Mapping[str, Any] = Field(default_factory=dict)
    settings: Mapping[str, Any] = Field(default_factory=dict)

    def configs(self, seed: int, given: Mapping[str, Any]) -> list[RunConfig]:
        """Its runs with one seed; `given` holds what the plan leaves open (out, data_dir)."""
        found: list[RunConfig] = []
        for data in self.on:
            dataset, _, protocol = data.partition("/")
            for policy in self.policies:
                where = {"plugin": policy, "dataset": dataset, "protocol": protocol or None, "seed": seed}
                found.append(RunConfig.of({**self.settings, **given, **where, "options": self.options}))
        return found


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Row, ...] = Field(min_length=1)


class Cell(BaseModel):
    """One run of the plan, with the minutes that its row says."""

    model_config = ConfigDict(frozen=True)

    config: RunConfig
    minutes: float

    @property
    def label(self) -> str:
        """policy on dataset/protocol (options), seed N."""
        config = self.config
        data = f"{config.dataset}/{config.protocol}" if config.protocol else config.dataset
        options = ", ".join(f"{key}={value}" for key, value in config.options.items())
        return f"{config.plugin} on {data}{f' ({options})' if options else ''}, seed {config.seed}"


def read_plan(file: Path, given: Mapping[str, Any]) -> list[Cell]:
    """The cells of a plan file, the first seed of every row before the second of any.

    Raises UsageError naming the file and the field.
    """
    try:
        plan = _File.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # of TOML, of UTF-8 and of pydantic alike
        raise UsageError(f"{file}: {_first(error)}") from error
    return [
        Cell(config=config, minutes=row.minutes)
        for seed in range(max(row.seeds for row in plan.rows))
        for row in plan.rows
        if seed < row.seeds
        for config in row.configs(seed, given)
    ]


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
