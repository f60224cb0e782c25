"""What is kept of a run, and that all of its scores follow from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crsbench.errors import DataError, UsageError
from crsbench.leaderboard.records import (
    FILES,
    _portable,  # pyright: ignore[reportPrivateUsage]
    fixed,
    load_record,
    load_records,
    rounded,
    store_record,
)
from crsbench.record import Run, load_run
from crsbench.stats import scores

Make = Callable[..., Run]


def test_a_record_gives_every_score_of_its_run(small_run: Make, tmp_path: Path) -> None:
    made = small_run()
    folder = store_record(made, tmp_path)
    assert folder.relative_to(tmp_path).as_posix() == f"synthetic/logged/popularity/{made.id}"
    record = load_record(folder)
    assert record.record["scores"] == [rounded(score) for score in scores(record.measured())]
    assert len(record.measured()) == len(made.scores)
    for mine, its in zip(scores(record.measured()), made.scores, strict=True):
        assert (mine.metric, mine.subset, mine.unit, mine.n) == (its.metric, its.subset, its.unit, its.n)
        assert (mine.value, mine.low, mine.high) == pytest.approx((its.value, its.low, its.high), abs=1e-5)
    assert record.rows().targets == record.record["counts"]["targets"]


def test_a_record_is_kept_alike_wherever_it_comes_from(small_run: Make, tmp_path: Path) -> None:
    made = small_run()
    moved = tmp_path / "elsewhere" / made.id
    shutil.copytree(made.path, moved)
    first = store_record(made, tmp_path / "a")
    again = store_record(load_record(first), tmp_path / "b")
    other = store_record(load_run(moved), tmp_path / "c")
    for name in FILES:
        content = (first / name).read_bytes()
        assert content == (again / name).read_bytes() == (other / name).read_bytes()
    assert load_record(first).digest() == load_record(other).digest()


def test_nothing_of_the_machine_is_kept(small_run: Make, tmp_path: Path) -> None:
    made = small_run()
    record = load_record(store_record(made, tmp_path))
    text = (record.path / "result.json").read_text("utf-8")
    assert str(made.path.parent) not in text
    assert record.record["config"] == {
        "plugin": "popularity",
        "dataset": "synthetic",
        "protocol": "logged",
        "model": "tiny",
        "seed": 0,
        "precision": "fp32",
        "metrics": list(record.record["config"]["metrics"]),
        "options": record.record["config"]["options"],
    }


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/home/someone/models/small", "small"),
        ("C:\\Users\\someone\\small", "small"),
        ("~/small", "small"),
        ("cannot read '/home/someone/x.json': gone", "cannot read 'x.json': gone"),
        ("org/model", "org/model"),
        ("and/or 1/2", "and/or 1/2"),
        ("https://example.org/a/b", "https://example.org/a/b"),
    ],
)
def test_paths_lose_their_folders(said: str, kept: str) -> None:
    assert _portable({"a": [said]}) == {"a": [kept]}


def test_scores_that_the_rows_do_not_give_are_refused(small_run: Make, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_run().path, copy)
    rows = [json.loads(line) for line in (copy / "rows.jsonl").read_text().splitlines()]
    hit = next(row for row in rows if row["ranks"][0] and row["ranks"][0] <= 10)
    hit["ranks"][0] = 50
    (copy / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(
        DataError, match=r"its rows do not give its recall@10 \(final, subset all, by label\)"
    ):
        store_record(load_run(copy), tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_a_failed_run_is_no_record(small_run: Make, tmp_path: Path) -> None:
    run = small_run()
    failed = Run(run.path, {**run.record, "status": "failed", "error": {"message": "no memory"}})
    with pytest.raises(UsageError, match="no memory"):
        store_record(failed, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_damage_is_named(name: str, small_run: Make, tmp_path: Path) -> None:
    folder = store_record(small_run(), tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes()[:-9])
    with pytest.raises(DataError, match=name):
        _ = [one.measured() for one in load_records(tmp_path)]


def test_rounding_does_not_hang_on_the_last_bit() -> None:
    assert fixed(0.0000005) == fixed(0.0000005 - 1e-17) == fixed(0.0000005 + 1e-17)
    assert str(fixed(-1e-12)) == "0.0"
