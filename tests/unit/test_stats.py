"""Scores and comparisons from recorded values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crsbench.errors import UsageError
from crsbench.record import RESULT, VALUES, Measured, Run, load_run, read_values, values_lines
from crsbench.stats import compare, score, stage_differences
from crsbench.store import write_json, write_lines
from crsbench.types import Values


def values(*numbers: float, metric: str = "m", **more: Any) -> Values:
    ids = more.pop("ids", tuple(f"r{i}" for i in range(len(numbers))))
    groups = more.pop("groups", tuple(f"d{i}" for i in range(len(numbers))))
    return Values(metric, "all", "row", ids, groups, numbers, **more)


def saved(folder: Path, measured: list[Measured], seed: int = 0, **run: Any) -> Run:
    """A finished run with these values."""
    described = {
        "id": f"{run.get('plugin', 'a')}-{seed}-{len(list(folder.glob('*')))}",
        "plugin": "a",
        "dataset": "x",
        "dataset_fingerprint": "f",
        "protocol": "p",
        "limit": None,
        "seed": seed,
        "options": {},
        "options_passed": {},
    } | run
    path = folder / described["id"]
    write_lines(path / VALUES, values_lines(measured))
    record = {
        "schema": 1,
        "status": "complete",
        "run": described,
        "scores": [],
        "absent": [],
        "provenance": {"device": "cpu"},
    }
    write_json(path / RESULT, record)
    return load_run(path)


def test_score_is_the_pooled_mean() -> None:
    found = score(Measured("final", None, values(1.0, 0.0, 0.0, groups=("d", "d", "e"))))
    assert found.value == pytest.approx(1 / 3)
    assert (found.low, found.high) == (0.0, 0.5)  # d alone, e alone
    assert (found.n, found.unit, found.stage, found.higher_is_better) == (3, "row", "final", True)


def test_an_interval_ends_where_its_statistic_does() -> None:
    numbers = (1.6, 0.2, 1.2, 0.4, 1.5, 0.9)  # of a statistic of the whole; their mean is .97
    free = score(Measured("final", None, values(*numbers)))
    cut = score(Measured("final", None, values(*numbers, bounds=(0.0, 1.0))))
    assert free.high > 1
    assert (cut.value, cut.low, cut.high) == (free.value, free.low, 1.0)
    assert score(Measured("final", None, values(*numbers, bounds=(0.0, None)))) == free
    assert score(Measured("final", None, values(*numbers, bounds=(0.9, None)))).low == 0.9


def test_values_survive_the_disk(tmp_path: Path) -> None:
    measured = [
        Measured("sft", None, values(0.1, 1 / 3)),
        Measured("sft", None, values(0.5, 1.0, metric="other", higher_is_better=False)),
        Measured("final", "sim", values(2.0, ids=("e",), groups=("e",), decoding="greedy")),
    ]
    write_lines(tmp_path / VALUES, values_lines(measured))
    assert read_values(tmp_path / VALUES) == measured
    assert sum("units" in json.loads(line) for line in (tmp_path / VALUES).read_text().splitlines()) == 2


def test_stages_of_one_run_are_paired_by_unit() -> None:
    measured = [
        Measured("sft", None, values(0.0, 0.0, 1.0)),
        Measured("final", None, values(1.0, 1.0, 1.0, ids=("r2", "r1", "r0"), groups=("d2", "d1", "d0"))),
        Measured("final", None, values(1.0, metric="new")),
    ]
    (row,) = stage_differences(measured)
    assert (row.a, row.b, row.metric, row.n, row.seeds) == ("sft", "final", "m", 3, 1)
    assert row.difference == pytest.approx(2 / 3)
    assert row.low <= row.difference <= row.high
    assert row.seeds_low is None
    assert stage_differences(measured[:1]) == []


def test_compare_two_policies(tmp_path: Path) -> None:
    a = saved(tmp_path, [Measured("final", None, values(*[0.0] * 40))], plugin="a")
    b = saved(
        tmp_path,
        [Measured("sft", None, values(*[5.0] * 40)), Measured("final", None, values(*[1.0] * 40))],
        plugin="b",
    )
    found = compare([a, b])
    (row,) = found.rows
    assert (row.a, row.b, row.value_a, row.value_b, row.difference) == ("a", "b", 0.0, 1.0, 1.0)
    assert (row.low, row.high, row.n) == (1.0, 1.0, 40)
    assert row.p == pytest.approx(1 / 10_001)
    assert (row.p_bootstrap, row.effect) == (pytest.approx(1 / 2_001), None)
    assert found.sides == {"a": (a.id,), "b": (b.id,)}
    assert found.privileged == ()
    bound = saved(tmp_path, [Measured("final", None, values(*[1.0] * 40))], plugin="c", privileged=True)
    assert compare([a, bound]).privileged == ("c",)
    assert json.loads(json.dumps(found.to_dict()))["rows"][0]["difference"] == 1.0


def test_compare_averages_seeds_per_unit(tmp_path: Path) -> None:
    runs = [
        saved(tmp_path, [Measured("final", None, values(*numbers))], seed, plugin=plugin)
        for plugin, seed, numbers in [
            ("a", 0, (0.0, 1.0)),
            ("a", 1, (1.0, 1.0)),
            ("b", 0, (1.0, 2.0)),
            ("b", 1, (3.0, 3.0)),
        ]
    ]
    (row,) = compare(runs).rows
    assert (row.value_a, row.value_b, row.difference) == (0.75, 2.25, 1.5)
    assert (row.n, row.seeds) == (2, 2)
    # differences of the seeds are 1 and 2: 1.5 ± t(.975, 1) · .7071 / √2
    assert row.seeds_low == pytest.approx(1.5 - 12.7062 * 0.5, rel=1e-4)
    assert row.seeds_high == pytest.approx(1.5 + 12.7062 * 0.5, rel=1e-4)
    assert row.both_low is not None
    assert row.both_low < row.low
    assert row.both_high is not None
    assert row.both_high > row.high


def test_other_seeds_on_each_side_are_not_crossed(tmp_path: Path) -> None:
    runs = [
        saved(tmp_path, [Measured("final", None, values(0.0, 1.0 + seed))], seed, plugin=plugin)
        for plugin, seed in [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)]
    ]
    (row,) = compare(runs).rows
    assert row.seeds == 2
    assert row.seeds_low is not None
    assert row.both_low is None


def test_one_policy_has_its_stages_compared(tmp_path: Path) -> None:
    runs = [
        saved(
            tmp_path, [Measured("sft", None, values(0.0, 1.0)), Measured("final", None, values(1.0, 1.0))], s
        )
        for s in (0, 1)
    ]
    (row,) = compare(runs).rows
    assert (row.a, row.b, row.difference, row.seeds) == ("sft", "final", 0.5, 2)


def test_three_policies_are_corrected_for(tmp_path: Path) -> None:
    runs = [
        saved(tmp_path, [Measured("final", None, values(*[x] * 12))], plugin=plugin)
        for plugin, x in (("a", 0.0), ("b", 1.0), ("c", 2.0))
    ]
    rows = compare(runs).rows
    assert [(row.a, row.b) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(row.p_adjusted == pytest.approx(3 * min(r.p for r in rows), rel=0.7) for row in rows)
    assert all(row.p_adjusted >= row.p for row in rows)


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    one = [Measured("final", None, values(0.0, 1.0))]
    a = saved(tmp_path, one, options={"k": 1})
    b = saved(tmp_path, one, options={"k": 2}, options_passed={"k": "2"})
    (row,) = compare([a, b]).rows
    assert {row.a, row.b} == {"a", "a (k=2)"}
    assert (row.difference, row.p) == (0.0, 1.0)


@pytest.mark.parametrize("field", ["dataset", "dataset_fingerprint", "protocol", "limit"])
def test_other_data_is_refused(tmp_path: Path, field: str) -> None:
    one = [Measured("final", None, values(0.0, 1.0))]
    a, b = saved(tmp_path, one), saved(tmp_path, one, plugin="b", **{field: "else"})
    with pytest.raises(UsageError, match=f"differ in {field}"):
        compare([a, b])


def test_nothing_to_compare(tmp_path: Path) -> None:
    one = saved(tmp_path, [Measured("final", None, values(0.0, 1.0))])
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([one])
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([])
