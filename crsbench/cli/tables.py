"""Records as tables for people, 80 columns wide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crsbench.cli.output import console, table

if TYPE_CHECKING:
    from rich.table import Table

    from crsbench.record import Run
    from crsbench.stats import Comparison

Record = Mapping[str, Any]
Key = tuple[str, str | None]  # metric, decoding
_UNITS = ("label", "episode", "row", "dialogue")  # the first that a metric has is the one that is shown
_SECTIONS = {
    None: "on test rows",
    "greedy": "in conversations, greedy",
    "sampled": "in conversations, sampled",
}
_PRIVILEGED = "† privileged: it is handed the scenario's truth; a bound, not a contender"


def number(value: float | None) -> str:
    """.512, -.031, 2.35, 117: three digits that say something."""
    if value is None or math.isnan(value):
        return "-"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 1:
        return f"{value:.2f}"
    text = f"{value:.3f}"
    return text if abs(float(text)) >= 1 else text.replace("0.", ".", 1)


def signed(value: float | None) -> str:
    text = number(value)
    return text if text[0] in "-" else f"+{text}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    return f"{number(value)} [{number(low)}, {number(high)}]"


def difference(value: float | None, low: float | None, high: float | None) -> str:
    """A difference with its interval, in bold where zero is outside of it."""
    text = f"{signed(value)} \\[{signed(low)}, {signed(high)}]"
    sure = low is not None and high is not None and (low > 0 or high < 0)
    return f"[bold]{text}[/]" if sure else text


def _headline(run: Mapping[str, Any], seeds: str) -> str:
    mark = " †" if run["privileged"] else ""
    limit = f", limit {run['limit']}" if run["limit"] else ""
    return (
        f"{run['plugin']}{mark} on {run['dataset']} ({run['protocol']}), model {run['model']}{limit}, {seeds}"
    )


def _shown(record: Record) -> dict[Key, dict[str, Record]]:
    """(metric, decoding) → stage → score, on all targets and each metric's first unit."""
    found: dict[Key, dict[str, Record]] = {}
    scores = [score for score in record["scores"] if score["subset"] == "all"]
    units = {score["metric"]: score["unit"] for score in sorted(scores, key=lambda s: -_rank(s["unit"]))}
    for score in scores:
        if score["unit"] == units[score["metric"]]:
            key = score["metric"], score["decoding"]
            found.setdefault(key, {})[score["stage"]] = score
    return found


def _rank(unit: str) -> int:
    return _UNITS.index(unit) if unit in _UNITS else len(_UNITS)


def _stages(record: Record) -> list[str]:
    return list(dict.fromkeys(score["stage"] for score in record["scores"]))


def _ordered(keys: Sequence[Key]) -> list[tuple[str, list[Key]]]:
    """Keys by section: what was measured on rows, then conversations, greedy before sampled."""
    return [
        (title, [key for key in keys if key[1] == decoding])
        for decoding, title in _SECTIONS.items()
        if any(key[1] == decoding for key in keys)
    ]


def closing(run: Run) -> None:
    """What a finished run found: each metric, stage beside stage, with 95% intervals."""
    record = run.record
    shown, stages = _shown(record), _stages(record)
    pairs = {
        (row["metric"], row["decoding"], row["unit"]): row
        for row in record["differences"]
        if row["subset"] == "all"
    }
    out = console()
    counts = record["counts"]
    out.print()
    out.print(_headline(record["run"], f"seed {record['run']['seed']}"), markup=False)
    out.print(
        f"{counts['train_dialogues']} train dialogues, {counts['rows']} test rows, "
        f"{counts['targets']} targets, {counts['catalog']} items",
        markup=False,
    )
    made = _table(stages, paired=len(stages) > 1)
    for title, keys in _ordered(list(shown)):
        made.add_row(f"[dim]{title}[/]")
        for key in keys:
            scores = [shown[key].get(stage) for stage in stages]
            cells = [_cell(score) for score in scores]
            pair = pairs.get((*key, next(s["unit"] for s in scores if s)))
            if len(stages) > 1:
                cells.append(difference(pair["value"], pair["low"], pair["high"]) if pair else "")
            made.add_row(f"  {key[0]}", *cells)
    out.print()
    out.print(made)
    if record["run"]["privileged"]:
        out.print(_PRIVILEGED)
    for reason in dict.fromkeys(f"{row['metric']}: {row['reason']}" for row in record["absent"]):
        out.print(f"not measured: {reason}", markup=False)
    out.print()
    out.print(f"record  {_place(run.path)}/result.json", markup=False, soft_wrap=True)
    out.print(f"next    {_next(run)}", markup=False, soft_wrap=True)


def _table(stages: Sequence[str], paired: bool) -> Table:
    columns = ["metric", *stages, *(["difference"] if paired else [])]
    made = table(*columns)
    for column in made.columns:
        column.no_wrap = True
    return made


def _cell(score: Record | None) -> str:
    return interval(score["value"], score["low"], score["high"]).replace("[", "\\[") if score else "-"


def _place(path: Path) -> Path:
    """As short as it can be typed from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _next(run: Run) -> str:
    """A command to type now: a comparison with another run on the same data, else a baseline."""
    from crsbench.errors import CrsbenchError
    from crsbench.record import RESULT, load_run

    mine = run.record["run"]
    files = sorted(run.path.parent.glob(f"*/{RESULT}"), key=lambda file: -file.stat().st_mtime)
    for file in files:
        if file.parent == run.path:
            continue
        try:
            other = load_run(file)
        except CrsbenchError:
            continue
        same = all(other.record["run"][key] == mine[key] for key in ("dataset", "protocol", "limit"))
        if other.complete and same and other.record["run"]["plugin"] != mine["plugin"]:
            return f"crsbench compare {_place(file.parent)} {_place(run.path)}"
    baseline = "text-knn" if str(mine["plugin"]).endswith("popularity") else "popularity"
    dataset = str(mine["dataset"]).removeprefix("crsbench/")
    return f"crsbench run --plugin {baseline} --dataset {dataset}   (a baseline to compare with)"


def aggregate(runs: Sequence[Run]) -> None:
    """Several seeds: means, the spread over seeds, and the paired difference of the stages."""
    from crsbench.stats import compare

    records = [run.record for run in runs]
    tables = [_shown(record) for record in records]
    stages = _stages(records[0])
    paired = len(stages) > 1
    pairs = {
        (row.metric, row.decoding, row.unit): (row.difference, row.low, row.high)
        for row in (compare(runs).rows if paired else ())
        if row.subset == "all" and (row.a, row.b) == (stages[0], stages[-1])
    }
    seeds = f"{len(runs)} seeds: {', '.join(str(record['run']['seed']) for record in records)}"
    out = console()
    out.print()
    out.print(_headline(records[0]["run"], seeds), markup=False)
    out.print(f"mean over seeds [95% t-interval over the {len(runs)} seeds]", markup=False)
    if paired:
        out.print(
            "difference: mean over seeds of each unit, paired [95% interval over dialogues]", markup=False
        )
    made = _table(stages, paired)
    for title, keys in _ordered(list(tables[0])):
        made.add_row(f"[dim]{title}[/]")
        for key in keys:
            scores = {s: [found[key][s] for found in tables if s in found.get(key, {})] for s in stages}
            cells = [interval(*_spread([score["value"] for score in scores[s]])) for s in stages]
            cells = [cell.replace("[", "\\[") for cell in cells]
            if paired:
                unit = next(score["unit"] for found in scores.values() for score in found)
                pair = pairs.get((*key, unit))
                cells.append(difference(*pair) if pair else "")
            made.add_row(f"  {key[0]}", *cells)
    out.print()
    out.print(made)
    if records[0]["run"]["privileged"]:
        out.print(_PRIVILEGED)
    out.print()
    for run in runs:
        out.print(f"record  {_place(run.path)}/result.json", markup=False, soft_wrap=True)
    if paired:
        paths = " ".join(str(_place(run.path)) for run in runs)
        out.print(f"next    crsbench compare {paths}", markup=False, soft_wrap=True)


def _spread(values: Sequence[float | None]) -> tuple[float | None, float | None, float | None]:
    """Mean and t-interval over seeds, of those that have a value."""
    from crsbench.intervals import over_seeds

    known = [value for value in values if value is not None]
    if not known:
        return None, None, None
    found = over_seeds(known)
    return found.value, found.low, found.high


def comparison(found: Comparison) -> None:
    """Two or more runs on what they share: differences with intervals and p-values."""
    out = console()
    pairs = list(dict.fromkeys((row.a, row.b) for row in found.rows))
    for a, b in pairs:
        rows = [row for row in found.rows if (row.a, row.b) == (a, b)]
        out.print()
        out.print(f"a = {a}", markup=False, soft_wrap=True)
        out.print(f"b = {b}", markup=False, soft_wrap=True)
        made = table("metric", "a", "b", "b - a", "p", "n", numbers=(1, 2, 4, 5))
        for column in made.columns:
            column.no_wrap = True
        for row in rows:
            if row.subset != "all":
                continue
            name = row.metric + (f" ({row.decoding})" if row.decoding else "")
            gap = difference(row.difference, row.low, row.high)
            p = "<.001" if row.p < 0.001 else number(row.p)
            made.add_row(name, number(row.value_a), number(row.value_b), gap, p, str(row.n))
        out.print(made)
