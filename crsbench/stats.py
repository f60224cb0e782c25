"""Scores with intervals from what was measured, and runs compared on the same units."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from crsbench.errors import UsageError
from crsbench.identity import canonical
from crsbench.intervals import Interval, bootstraps, over_both, over_seeds
from crsbench.record import Decoding, Measured, Score
from crsbench.significance import holm, paired

Key = tuple[str, str, str, str | None, str | None]  # metric, subset, unit, decoding, simulator
Table = Mapping[Key, Measured]
SAME = ("dataset", "dataset_fingerprint", "protocol", "limit")  # what runs must share to be compared


@dataclass(frozen=True, slots=True)
class Row:
    """b − a in one measure, on `n` units that both were measured on.

    `p` is of the permutation test, `p_adjusted` after Holm over all pairs compared in this measure,
    `p_bootstrap` of the bootstrap test, `effect` is Cohen's d_z over dialogues (None where they do not vary);
    see `significance.paired`. With several seeds each unit's value is its mean over them, and `low`, `high`
    are for other dialogues under these seeds. `seeds_low`, `seeds_high` bound the mean difference of the
    `seeds` that both sides have, by Student's t; `both_low`, `both_high` are for other seeds and other
    dialogues alike (`intervals.over_both`), where the sides have the same seeds. None for fewer than two.
    """

    metric: str
    subset: str
    unit: str
    decoding: Decoding | None
    simulator: str | None
    higher_is_better: bool
    a: str
    b: str
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    p_bootstrap: float
    effect: float | None
    n: int
    seeds: int
    seeds_low: float | None
    seeds_high: float | None
    both_low: float | None
    both_high: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared: `sides` maps each name to the ids of its runs, one a seed.

    `privileged` names those that are handed a scenario's truth: bounds, which never rank.
    """

    dataset: str
    protocol: str
    sides: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    privileged: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: what was measured in each of its runs, by seed."""

    name: str
    ids: tuple[str, ...]
    tables: Mapping[int, Table]


def score(one: Measured) -> Score:
    """The pooled mean of what was measured, with its interval over dialogues, within its bounds."""
    return scores([one])[0]


def scores(measured: Sequence[Measured]) -> list[Score]:
    """The score of each; what was measured on the same units is resampled together."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for i, one in enumerate(measured):
        alike.setdefault(one.values.groups, []).append(i)
    found: dict[int, Interval] = {}
    for groups, some in alike.items():
        found |= zip(some, bootstraps([measured[i].values.values for i in some], groups), strict=True)
    return [_score(one, found[i]) for i, one in enumerate(measured)]


def _score(one: Measured, found: Interval) -> Score:
    values = one.values
    least, most = values.bounds
    return Score(
        metric=values.metric,
        stage=one.stage,
        subset=values.subset,
        unit=values.unit,
        decoding=values.decoding,
        simulator=one.simulator,
        value=found.value,
        low=found.low if least is None else max(found.low, least),
        high=found.high if most is None else min(found.high, most),
        n=found.n,
        higher_is_better=values.higher_is_better,
    )


def stage_differences(measured: Sequence[Measured]) -> list[Row]:
    """The stages of one run against each other, earlier ones as `a`; empty for a single stage."""
    return _compared([Side(stage, (), {0: table}) for stage, table in _by_stage(measured).items()])


class Finished(Protocol):
    """A run, or what a leaderboard keeps of one."""

    @property
    def id(self) -> str: ...
    @property
    def record(self) -> Mapping[str, Any]: ...
    def measured(self) -> list[Measured]: ...


def compare(runs: Sequence[Finished]) -> Comparison:
    """Paired tests on the units that runs share.

    Runs equal in all but their seed are one side, averaged over seeds per unit; a side enters with its
    final stage. A single side with several stages has its stages compared. Raises UsageError for runs on
    different data, for unfinished ones, and where there is nothing to compare.
    """
    loaded = {run.id: run for run in runs}
    groups = _groups(list(loaded.values()))
    described = next(iter(loaded.values())).record["run"]
    if len(groups) == 1:
        (group,) = groups
        tables = {run.record["run"]["seed"]: _by_stage(run.measured()) for run in group}
        stages = list(dict.fromkeys(stage for table in tables.values() for stage in table))
        sides = [
            Side(
                stage, tuple(run.id for run in group), {seed: t.get(stage, {}) for seed, t in tables.items()}
            )
            for stage in stages
        ]
    else:
        names = _names([group[0] for group in groups])
        sides = [_side(name, group) for name, group in zip(names, groups, strict=True)]
    bounds = {run.id for run in loaded.values() if run.record["run"].get("privileged")}
    rows = _compared(sides)
    if not rows:
        raise UsageError("there is nothing to compare", "name two runs, or one with several stages")
    return Comparison(
        dataset=described["dataset"],
        protocol=described["protocol"],
        sides={side.name: side.ids for side in sides},
        rows=tuple(rows),
        privileged=tuple(side.name for side in sides if bounds.intersection(side.ids)),
    )


def _side(name: str, group: Sequence[Finished]) -> Side:
    tables = {run.record["run"]["seed"]: _by_stage(run.measured()).get("final", {}) for run in group}
    return Side(name, tuple(run.id for run in group), tables)


def _groups(runs: Sequence[Finished]) -> list[list[Finished]]:
    """Runs that differ in nothing but their seed, together, in the order given."""
    if not runs:
        raise UsageError("there is nothing to compare", "name two runs, or one with several stages")
    groups: dict[str, list[Finished]] = {}
    for run in runs:
        if run.record["status"] != "complete":
            raise UsageError(f"run {run.id} failed: {run.record['error']['message']}")
        mine, first = run.record["run"], runs[0].record["run"]
        for field in SAME:
            if mine[field] != first[field]:
                raise UsageError(
                    f"runs {runs[0].id} and {run.id} differ in {field}: {first[field]} and {mine[field]}",
                    "only runs on the same rows can be paired",
                )
        groups.setdefault(but_for_seed(run.record), []).append(run)
    return list(groups.values())


def but_for_seed(record: Mapping[str, Any]) -> str:
    """Equal for runs that differ in nothing but their seed."""
    run = record["run"]
    rest = {key: value for key, value in run.items() if key not in ("id", "seed", "options_passed")}
    made = record["provenance"]
    return canonical([rest, made["device"], made.get("processes", 1)])


def _names(runs: Sequence[Finished]) -> list[str]:
    """The policies' names; where two are the same, with the options that were passed or the run's id."""
    plain = [str(run.record["run"]["plugin"]) for run in runs]
    passed = [", ".join(f"{k}={v}" for k, v in run.record["run"]["options_passed"].items()) for run in runs]
    long = [f"{name} ({options})" if options else name for name, options in zip(plain, passed, strict=True)]
    return [
        name if plain.count(name) == 1 else full if long.count(full) == 1 else f"{name} #{run.id[:8]}"
        for name, full, run in zip(plain, long, runs, strict=True)
    ]


def _by_stage(measured: Iterable[Measured]) -> dict[str, dict[Key, Measured]]:
    tables: dict[str, dict[Key, Measured]] = {}
    for one in measured:
        v = one.values
        key = (v.metric, v.subset, v.unit, v.decoding, one.simulator)
        tables.setdefault(one.stage, {})[key] = one
    return tables


def _compared(sides: Sequence[Side]) -> list[Row]:
    """Every pair of sides in every measure that both have, measure by measure."""
    keys = dict.fromkeys(key for side in sides for table in side.tables.values() for key in table)
    rows: list[Row] = []
    for key in keys:
        pairs = [_pair(key, a, b) for a, b in itertools.combinations(sides, 2)]
        family = [row for row in pairs if row is not None]
        adjusted = holm([row.p for row in family])
        rows += [replace(row, p_adjusted=p) for row, p in zip(family, adjusted, strict=True)]
    return rows


def _pair(key: Key, a: Side, b: Side) -> Row | None:
    of_a, of_b = _per_unit(key, a), _per_unit(key, b)
    shared = [unit for unit in of_a if unit in of_b]
    if not shared:
        return None
    values_a, values_b = [of_a[unit][0] for unit in shared], [of_b[unit][0] for unit in shared]
    groups = [of_a[unit][1] for unit in shared]
    found = paired(values_a, values_b, groups)
    seeds = [seed for seed in a.tables if seed in b.tables]
    by_seed = [_differences(a, b, seed, key, shared) for seed in seeds] if len(seeds) > 1 else []
    of_seeds = over_seeds([sum(one) / len(one) for one in by_seed]) if by_seed else None
    of_both = over_both(by_seed, groups) if by_seed and a.tables.keys() == b.tables.keys() else None
    metric, subset, unit, _, simulator = key
    values = next(iter(a.tables.values()))[key].values
    return Row(
        metric=metric,
        subset=subset,
        unit=unit,
        decoding=values.decoding,
        simulator=simulator,
        higher_is_better=values.higher_is_better,
        a=a.name,
        b=b.name,
        value_a=sum(values_a) / len(values_a),
        value_b=sum(values_b) / len(values_b),
        difference=found.value,
        low=found.low,
        high=found.high,
        p=found.p,
        p_adjusted=found.p,
        p_bootstrap=found.p_bootstrap,
        effect=found.effect,
        n=found.n,
        seeds=len(seeds),
        seeds_low=of_seeds and of_seeds.low,
        seeds_high=of_seeds and of_seeds.high,
        both_low=of_both and of_both.low,
        both_high=of_both and of_both.high,
    )


def _per_unit(key: Key, side: Side) -> dict[str, tuple[float, str]]:
    """Unit → its mean over seeds and its group, for units that every seed measured."""
    found = [table[key].values for table in side.tables.values() if key in table]
    if len(found) < len(side.tables):
        return {}
    values = [dict(zip(one.ids, one.values, strict=True)) for one in found]
    first = found[0]
    return {
        unit: (sum(by_unit[unit] for by_unit in values) / len(values), group)
        for unit, group in zip(first.ids, first.groups, strict=True)
        if all(unit in by_unit for by_unit in values)
    }


def _differences(a: Side, b: Side, seed: int, key: Key, units: Sequence[str]) -> list[float]:
    """b − a of each unit under one seed."""
    of_a, of_b = (
        dict(zip(values.ids, values.values, strict=True))
        for values in (side.tables[seed][key].values for side in (a, b))
    )
    return [of_b[unit] - of_a[unit] for unit in units]
