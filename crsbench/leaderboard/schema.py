"""What `result.json` of a record may hold: no field more, none less, each of its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crsbench.config import RunConfig
from crsbench.errors import UsageError

_PLUGIN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.@+-]*$"
Name = Annotated[str, Field(pattern=_PLUGIN)]  # distribution/name
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@+-]*$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Unit = Literal["label", "row", "dialogue", "episode"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Part(_Strict):
    kind: Word
    name: Name
    version: str | None
    digest: str
    options: dict[str, Any]


class _Run(_Strict):
    id: Digest
    plugin: Name
    plugins: list[_Part]
    dataset: Name
    dataset_fingerprint: Digest
    protocol: Word
    seed: int = Field(ge=0, lt=2**32)
    model: str
    simulator: Name | None
    limit: int | None
    precision: Literal["fp32", "bf16"]
    privileged: bool
    options: dict[str, Any]
    options_passed: dict[str, Any]
    simulator_in_training: bool


class _Score(_Strict):
    metric: Word
    stage: Word
    subset: Word
    unit: Unit
    decoding: Literal["greedy", "sampled"] | None
    simulator: Name | None
    value: Number
    low: Number
    high: Number
    n: int = Field(ge=1)
    higher_is_better: bool


class _Stage(_Strict):
    name: Word
    id: Digest
    seconds: Number = Field(ge=0)
    steps: Count
    reused: bool


class _Counts(_Strict):
    rows: Count
    targets: Count
    dropped: dict[str, Count]
    catalog: Count
    train_dialogues: Count


class _Absent(_Strict):
    metric: Word
    stage: Word
    reason: str


class _Provenance(_Strict):
    crsbench: str
    python: str
    numpy: str | None
    torch: str | None
    transformers: str | None
    trl: str | None
    platform: str
    device: Literal["cpu", "cuda"]
    device_name: str | None
    threads: int | None
    processes: int = Field(default=1, ge=1)
    commit: str | None
    dirty: bool | None
    seconds: Number = Field(ge=0)


class _Result(_Strict):
    format: Literal[1] = Field(alias="schema")
    status: Literal["complete"]
    error: None
    run: _Run
    scores: list[_Score] = Field(min_length=1)
    stages: list[_Stage]
    counts: _Counts
    absent: list[_Absent]
    differences: list[Any] = Field(max_length=0)
    observer_failures: list[Any] = Field(max_length=0)
    provenance: _Provenance
    config: dict[str, Any]


def complaints(result: Mapping[str, Any]) -> list[str]:
    """What is wrong with a record's `result.json`, one line each; empty where nothing is."""
    try:
        _Result.model_validate(dict(result))
    except ValidationError as error:
        return [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    run, config = result["run"], result["config"]
    try:
        asked = RunConfig.of(config)
    except UsageError as error:
        return [f"config: {error.message}"]
    told = {
        "plugin": (run["plugin"], asked.plugin),
        "dataset": (run["dataset"], asked.dataset),
        "protocol": (run["protocol"], asked.protocol),
        "seed": (run["seed"], asked.seed),
        "model": (run["model"], asked.model),
        "limit": (run["limit"], asked.limit),
        "options": (run["options_passed"], dict(asked.options)),
    }
    return [
        f"config: {name} is {its!r}, and the run's is {mine!r}"
        for name, (mine, its) in told.items()
        if its != mine and not (isinstance(mine, str) and mine.endswith(f"/{its}"))
    ]
