"""The records of a leaderboard: what of a run is kept, how small, and how it is read again.

`ROOT/<dataset>/<protocol>/<policy>/<run id>/` holds three files that name no machine, path or person:

- `result.json`: the run's record with its scores to six decimals and without what follows from its values
  (`differences`); under `config` what makes it again;
- `rows.jsonl.xz`: the scored rows as columns, then the ranks of each stage;
- `values.jsonl.xz`: what the other scores are means of, in the format of `record.values_lines`, to five
  decimals. What follows from the ranks is not among them.

The scores of `result.json` are those of the values as kept here, so that anybody finds them again.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from crsbench.errors import DataError, UsageError
from crsbench.leaderboard.ranks import MEASURES, Rows, Scored, recompute
from crsbench.plugins import OURS
from crsbench.record import RESULT, Measured, Run, Score, load_run, parse_values, values_lines
from crsbench.stats import scores as scored
from crsbench.store import write_bytes, write_text
from crsbench.types import Values

ROWS = "rows.jsonl.xz"
VALUES = "values.jsonl.xz"
KEY = ("stage", "metric", "subset", "unit", "decoding", "simulator")  # what a score is of
FILES = (RESULT, ROWS, VALUES)
DECIMALS = 5  # of values
KEPT = 6  # decimals of scores
SLACK = 1e-9  # two machines add in different orders
_LOCAL = ("out", "data_dir", "plugins_dir", "if_exists", "seeds", "device")  # of a config: where, not what
_FOLDERS = re.compile(r"(?<![\w/\\:.])(~\w*|[A-Za-z]:)?[\\/]([^\s/\\:'\"]+[\\/])*(?=[^\s/\\:'\"])")


class MismatchError(DataError):
    """Scores that the rows of a run do not give."""


@dataclass(frozen=True)
class Record:
    """One record: its folder and its `result.json`. Rows and values are read when asked for, and not kept."""

    path: Path
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["run"]["id"])

    def rows(self) -> Rows:
        """The scored rows. Raises DataError where they are damaged."""
        return _read_rows(self.path / ROWS)

    def values(self) -> list[Measured]:
        """What does not follow from ranks. Raises DataError where it is damaged."""
        return parse_values(_lines(self.path / VALUES), self.path / VALUES)

    def measured(self, stage: str | None = None) -> list[Measured]:
        """What each score (of one stage) is a mean of, in their order. Raises DataError for one without."""
        rows = self.rows()
        kept = {_key(one): one for one in self.values()}
        from_ranks = {name: recompute(rows, name) for name in rows.ranks}
        found: list[Measured] = []
        for row in self.record["scores"]:
            if stage not in (None, row["stage"]):
                continue
            one = kept.get(tuple(row[name] for name in KEY))
            if one is None and row["stage"] in from_ranks and row["decoding"] is row["simulator"] is None:
                values = from_ranks[row["stage"]](row["metric"], row["subset"], row["unit"])
                one = values and Measured(row["stage"], None, values)
            if one is None:
                raise DataError(f"{self.path}: its rows and values do not give {named(row)}")
            found.append(one)
        return found

    def digest(self) -> str:
        """16 hexadecimal digits of the sha256 of its three files."""
        content = hashlib.sha256()
        for name in FILES:
            content.update(hashlib.sha256((self.path / name).read_bytes()).digest())
        return content.hexdigest()[:16]


def store_record(run: Run | Record, root: Path) -> Path:
    """Keep a finished run as a record below `root`, and return its folder.

    Raises UsageError for a run that failed, DataError where its scores are not what its rows give.
    """
    if isinstance(run, Run):
        if not run.complete:
            raise UsageError(f"run {run.id} failed: {run.record['error']['message']}")
        rows, kept, result = _kept(run)
    else:
        rows, kept, result = run.rows(), run.values(), dict(run.record)
    folder = root / place(result)
    write_bytes(folder / ROWS, _packed(_row_lines(rows)))
    write_bytes(folder / VALUES, _packed(values_lines(kept)))
    write_text(folder / RESULT, spelled(result))  # last: a folder without it is no record
    return folder


def load_record(folder: Path) -> Record:
    """The record in a folder. Raises UsageError where there is none, DataError where it is damaged."""
    run = load_run(folder)
    missing = next((name for name in FILES if not (run.path / name).is_file()), None)
    if missing:
        raise DataError(f"{run.path} has no {missing}")
    return Record(run.path, run.record)


def load_records(root: Path) -> list[Record]:
    """Every record below `root`, in the order of their folders. Raises DataError naming a damaged one."""
    return [load_record(file.parent) for file in sorted(root.glob(f"*/*/*/*/{RESULT}"))]


def place(result: Mapping[str, Any]) -> Path:
    """Where a record belongs: dataset/protocol/policy/id, the names of others with their distribution."""
    run = result["run"]
    parts = (run["dataset"], run["protocol"], run["plugin"], run["id"])
    return Path(*(_folder(str(part).removeprefix(f"{OURS}/")) for part in parts))


def spelled(result: Mapping[str, Any]) -> str:
    """`result.json` as text: a line a field, and a line each score, stage, plugin and difference."""
    lines: list[str] = []
    for key, value in result.items():
        if isinstance(value, list) and value:
            inner = ",\n".join(f"  {_json(one)}" for one in cast("list[Any]", value))
            lines.append(f" {_json(key)}: [\n{inner}\n ]")
        else:
            lines.append(f" {_json(key)}: {_json(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def fixed(value: float, decimals: int = KEPT) -> float:
    """Rounded alike on every machine: what lies on a boundary but for the last bits goes up."""
    return round(value + SLACK, decimals) + 0.0


def rounded(score: Score) -> dict[str, Any]:
    """A score as a record keeps it."""
    return {key: fixed(value) if type(value) is float else value for key, value in asdict(score).items()}


def named(row: Mapping[str, Any]) -> str:
    """A score in words."""
    decoding = f", {row['decoding']}" if row["decoding"] else ""
    return f"{row['metric']} ({row['stage']}, subset {row['subset']}, by {row['unit']}{decoding})"


def _kept(run: Run) -> tuple[Rows, list[Measured], dict[str, Any]]:
    """Rows, values and record of a run as they are kept."""
    rows = _rows_of(run.path / "rows.jsonl")
    from_ranks = {stage: recompute(rows, stage) for stage in rows.ranks}
    kept: list[Measured] = []
    every: list[Measured] = []
    for one in run.measured():
        values = one.values
        if MEASURES.fullmatch(values.metric) and one.stage in from_ranks:
            again = from_ranks[one.stage](values.metric, values.subset, values.unit)
            if again is None or not _same(values, again):
                what = named({**asdict(values), "stage": one.stage})
                raise MismatchError(f"run {run.id}: its rows do not give its {what}")
            every.append(Measured(one.stage, one.simulator, again))
            continue
        short = replace(values, values=tuple(fixed(value, DECIMALS) for value in values.values))
        kept.append(replace(one, values=short))
        every.append(kept[-1])
    told = cast("dict[str, Any]", _portable(dict(run.record)))
    told["scores"] = [rounded(score) for score in scored(every)]
    told |= {"differences": [], "observer_failures": []}  # the first follow from the values
    told["provenance"]["platform"] = _system(str(told["provenance"]["platform"]))
    told["config"] = _config(run.path / "config.toml", told)
    return rows, kept, told


def _same(a: Values, b: Values) -> bool:
    return (a.ids, a.groups) == (b.ids, b.groups) and all(
        abs(x - y) <= SLACK for x, y in zip(a.values, b.values, strict=True)
    )


def _config(file: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
    values = {key: value for key, value in values.items() if key not in _LOCAL}
    values["protocol"] = told["run"]["protocol"]
    return cast("dict[str, Any]", _portable(values))


def _portable(value: Any) -> Any:
    """Without the paths of a machine: of each only its last part."""
    if isinstance(value, Mapping):
        return {key: _portable(one) for key, one in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_portable(one) for one in cast("list[Any]", value)]
    return _FOLDERS.sub("", value) if isinstance(value, str) else value


def _system(platform: str) -> str:
    """Linux-6.1.0-9-amd64-x86_64-with-glibc2.36 → Linux: whose kernel it was is nobody's business."""
    return platform.partition("-")[0]


def _rows_of(file: Path) -> Rows:
    """From `rows.jsonl` as a run writes it."""
    try:
        lines = file.read_text("utf-8").splitlines()
        return Rows.of(json.loads(line) for line in lines)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is damaged: {error}") from error
    except DataError as error:
        raise DataError(f"{file}: {error.message}") from error


def _read_rows(file: Path) -> Rows:
    try:
        columns, *stages = _lines(file)
        told = [json.loads(one) for one in stages]
        rows = Rows(Scored.parse(columns), {one["stage"]: one["ranks"] for one in told})
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is damaged: {error}") from error
    except DataError as error:
        raise DataError(f"{file}: {error.message}") from error
    return rows


def _row_lines(rows: Rows) -> list[object]:
    return [dict(rows.scored.columns), *({"stage": stage, "ranks": one} for stage, one in rows.ranks.items())]


def _packed(lines: Iterable[object]) -> bytes:
    text = "".join(f"{_json(_whole(line))}\n" for line in lines)
    return lzma.compress(text.encode(), check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME)


def _lines(file: Path) -> Sequence[str]:
    try:
        return lzma.decompress(file.read_bytes()).decode("utf-8").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise DataError(f"{file} is damaged: {error}") from error


def _whole(line: Any) -> Any:
    """Values without a fraction as integers: they are most of the bytes."""
    if "values" not in line:
        return line
    return {**line, "values": [int(v) if v == int(v) else v for v in line["values"]]}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _folder(name: str) -> str:
    """A name as a folder's name on any system."""
    return quote(name.replace("/", "--"), safe="@+").replace(".", "%2E", name.startswith("."))


def _key(one: Measured) -> tuple[Any, ...]:
    v = one.values
    return (one.stage, v.metric, v.subset, v.unit, v.decoding, one.simulator)
