"""What a run, or a run of several seeds, found: tables for people, 80 columns wide."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crsbench.cli.fitting import show
from crsbench.cli.numbers import difference, interval, rank, section
from crsbench.cli.output import console

if TYPE_CHECKING:
    from rich.console import Console

    from crsbench.record import Run

Record = Mapping[str, Any]
Key = tuple[str, str, str | None]  # metric, unit, decoding
_PRIVILEGED = "† privileged: it is handed the scenario's truth; a bound, not a contender"
_DATA = ("dataset", "protocol", "simulator", "limit", "data_dir", "plugins_dir", "out")


def closing(run: Run) -> None:
    """Each metric, stage beside stage, with 95% intervals; where the record is and what to type next."""
    record = run.record
    out = console()
    out.print()
    _say(out, *_headline(record["run"], f"seed {record['run']['seed']}"), *_counted(record["counts"]))
    scores, stages = _shown(record), _stages(record)
    cells = {key: [_cell(by_stage.get(stage)) for stage in stages] for key, by_stage in scores.items()}
    gaps = {
        (row["metric"], row["unit"], row["decoding"]): (row["value"], row["low"], row["high"])
        for row in record["differences"]
        if row["subset"] == "all" and (row["a"], row["b"]) == (stages[0], stages[-1])
    }
    _print(out, stages, cells, gaps)
    if record["run"]["privileged"]:
        _say(out, _PRIVILEGED)
    missing = dict.fromkeys(f"not measured: {row['metric']}: {row['reason']}" for row in record["absent"])
    _say(out, *missing, *(f"an observer failed: {said}" for said in record["observer_failures"]))
    out.print()
    _say(out, f"record  {_place(run.path)}/result.json", f"next    {_next(run)}")


def aggregate(runs: Sequence[Run]) -> None:
    """Several seeds: means, the spread over seeds, and the paired difference of the stages."""
    from crsbench.stats import compare

    records = [run.record for run in runs]
    stages = _stages(records[0])
    seeds = f"{len(runs)} seeds: {', '.join(str(record['run']['seed']) for record in records)}"
    out = console()
    out.print()
    _say(out, *_headline(records[0]["run"], seeds), *_counted(records[0]["counts"]))
    _say(out, f"mean [95% t-interval over {len(runs)} seeds]")
    gaps: dict[Key, tuple[float, float, float]] = {}
    if len(stages) > 1:
        _say(out, "difference: paired, each unit's mean over seeds [95% interval over dialogues]")
        for row in compare(runs).rows:
            if row.subset == "all" and (row.a, row.b) == (stages[0], stages[-1]):
                gaps[row.metric, row.unit, row.decoding] = row.difference, row.low, row.high
    found = [_shown(record) for record in records]
    cells = {
        key: [_spread([scores.get(key, {}).get(stage) for scores in found]) for stage in stages]
        for key in found[0]
    }
    _print(out, stages, cells, gaps)
    if records[0]["run"]["privileged"]:
        _say(out, _PRIVILEGED)
    out.print()
    _say(out, *(f"record  {_place(run.path)}/result.json" for run in runs))
    if len(stages) > 1:
        _say(out, f"next    crsbench compare {' '.join(str(_place(run.path)) for run in runs)}")


def _say(out: Console, *lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def _headline(run: Record, seeds: str) -> list[str]:
    mark = " †" if run["privileged"] else ""
    limit = f", limit {run['limit']}" if run["limit"] else ""
    return [
        f"{run['plugin']}{mark} on {run['dataset']}, protocol {run['protocol']}",
        f"model {run['model']}{limit}, {seeds}",
    ]


def _counted(counts: Record) -> list[str]:
    dropped = sum(counts["dropped"].values())
    lines = [
        f"{counts['train_dialogues']} train dialogues, {counts['rows']} test rows, "
        f"{counts['targets'] - dropped} targets, {counts['catalog']} items"
    ]
    if dropped:
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts["dropped"].items())
        lines.append(f"of {counts['targets']} targets dropped: {reasons}")
    return lines


def _shown(record: Record) -> dict[Key, dict[str, Record]]:
    """(metric, unit, decoding) → stage → score, on all targets and in each metric's first unit."""
    scores = [score for score in record["scores"] if score["subset"] == "all"]
    units: dict[str, str] = {}
    for score in scores:
        metric = score["metric"]
        units[metric] = min(units.get(metric, score["unit"]), score["unit"], key=rank)
    found: dict[Key, dict[str, Record]] = {}
    for score in scores:
        key = score["metric"], score["unit"], score["decoding"]
        if score["unit"] == units[score["metric"]]:
            found.setdefault(key, {})[score["stage"]] = score
    return found


def _stages(record: Record) -> list[str]:
    return list(dict.fromkeys(score["stage"] for score in record["scores"]))


def _cell(score: Record | None) -> str:
    return interval(score["value"], score["low"], score["high"]) if score else "-"


def _spread(scores: Sequence[Record | None]) -> str:
    """Mean and t-interval over seeds, of those that have a value."""
    from crsbench.intervals import over_seeds

    known = [score["value"] for score in scores if score is not None and score["value"] is not None]
    if not known:
        return "-"
    found = over_seeds(known)
    return interval(found.value, found.low, found.high)


def _print(
    out: Console,
    stages: Sequence[str],
    cells: Mapping[Key, list[str]],
    gaps: Mapping[Key, tuple[float, float, float]],
) -> None:
    rows: list[list[str]] = []
    for decoding in dict.fromkeys(key[2] for key in sorted(cells, key=lambda key: key[2] or "")):
        rows.append([f"[dim]{section(decoding)}[/]"])
        for key, values in cells.items():
            if key[2] == decoding:
                gap = [difference(*gaps[key])] if key in gaps else []
                rows.append([f" {key[0]}", *values, *gap])
    out.print()
    show(out, ["metric", *stages, *(["difference"] if len(stages) > 1 else [])], rows)


def _place(path: Path) -> Path:
    """As short as it can be typed from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _next(run: Run) -> str:
    """A command to type now: a comparison with another run on the same data, else a baseline."""
    from crsbench.config import RunConfig
    from crsbench.errors import CrsbenchError
    from crsbench.record import RESULT, load_run

    mine = run.record["run"]
    files = sorted(run.path.parent.glob(f"*/{RESULT}"), key=lambda file: -file.stat().st_mtime)
    for file in files:
        try:
            other = load_run(file)
        except CrsbenchError:
            continue
        theirs = other.record["run"]
        same = all(theirs[key] == mine[key] for key in ("dataset_fingerprint", "protocol", "limit"))
        if other.complete and same and theirs["plugin"] != mine["plugin"]:
            return f"crsbench compare {_place(file.parent)} {_place(run.path)}"
    config = RunConfig.of({}, run.path / "config.toml")
    fields = RunConfig.model_fields
    flags = [
        f"--{key.replace('_', '-')} {shlex.quote(str(getattr(config, key)))}"
        for key in _DATA
        if getattr(config, key) != fields[key].default
    ]
    baseline = "text-knn" if mine["plugin"].endswith("/popularity") else "popularity"
    return " ".join(["crsbench run --plugin", baseline, *flags, "  (a baseline to compare with)"])
