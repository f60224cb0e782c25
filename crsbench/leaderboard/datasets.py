"""`datasets.toml`: the public data that boards stand on, and by which a record of a stranger is known.

It follows from the records: the rows that they were scored on (all of one board on the same), and the
simulator that talked with their policies.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from crsbench.errors import DataError
from crsbench.identity import identity
from crsbench.leaderboard.records import Record

FILE = "datasets.toml"
HEAD = "# The public data that records are made on. Written by `crsbench leaderboard build`."


class PublicData(BaseModel):
    """A dataset under a protocol: the fingerprint of its files, what is scored and who talks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    protocol: str
    fingerprint: str
    rows: int
    targets: int
    catalog: int
    scored: str  # digest of the scored rows: ids, dialogues, targets and their flags
    simulators: dict[str, str] = {}  # name → digest of its options


def public_data(records: Sequence[Record]) -> list[PublicData]:
    """What records of whole datasets (no limit) were scored on.

    Raises DataError naming a record that was scored on other rows than the records before it.
    """
    found: dict[tuple[str, str, str], tuple[PublicData, Record]] = {}
    for record in records:
        if record.record["run"]["limit"] is not None:
            continue
        mine = of_record(record)
        key = (mine.dataset, mine.protocol, mine.fingerprint)
        known, first = found.setdefault(key, (mine, record))
        if known.scored != mine.scored:
            raise DataError(f"{record.path} was scored on other rows than {first.path}, of the same data")
        simulators = {**mine.simulators, **known.simulators}
        found[key] = (known.model_copy(update={"simulators": simulators}), first)
    return [found[key][0] for key in sorted(found)]


def of_record(record: Record) -> PublicData:
    """The data that a record says it was made on, the rows' digest from its rows."""
    run, counts = record.record["run"], record.record["counts"]
    talks = [part for part in run["plugins"] if part["kind"] == "simulator"]
    return PublicData(
        dataset=run["dataset"],
        protocol=run["protocol"],
        fingerprint=run["dataset_fingerprint"],
        rows=counts["rows"],
        targets=counts["targets"],
        catalog=counts["catalog"],
        scored=record.rows().scored.digest,
        simulators={part["name"]: identity(part["options"]) for part in talks},
    )


def to_toml(data: Sequence[PublicData]) -> str:
    """The file."""
    lines = [HEAD]
    for one in data:
        lines.append("\n[[datasets]]")
        values = one.model_dump()
        simulators = values.pop("simulators")
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        inner = ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in simulators.items())
        lines.append(f"simulators = {{ {inner} }}" if inner else "simulators = {}")
    return "\n".join(lines) + "\n"


def read_datasets(folder: Path) -> list[PublicData]:
    """What is in a leaderboard's folder. Raises DataError."""
    file = folder / FILE
    try:
        return [PublicData.model_validate(one) for one in tomllib.loads(file.read_text("utf-8"))["datasets"]]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
