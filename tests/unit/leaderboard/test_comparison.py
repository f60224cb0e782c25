"""Runs and records are compared alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import crsbench
from crsbench.errors import DataError, UsageError
from crsbench.leaderboard.records import ROWS, VALUES, load_record, store_record
from crsbench.record import Run

Make = Callable[..., Run]


def test_records_are_compared_as_the_runs_that_they_keep(small_run: Make, tmp_path: Path) -> None:
    runs = [small_run("popularity"), small_run("naive-copy")]
    kept = [store_record(run, tmp_path) for run in runs]
    expected = crsbench.compare(runs)
    assert {row.metric for row in expected.rows} > {"recall@10", "satisfaction"}
    for other in (
        kept,
        [str(kept[0]), kept[1] / "result.json"],
        [load_record(folder) for folder in kept],
        [runs[0], kept[1]],
    ):
        found = crsbench.compare(other)
        assert found.sides == expected.sides
        assert len(found.rows) == len(expected.rows)
        by_key = {(row.metric, row.subset, row.unit, row.decoding): row for row in found.rows}
        for row in expected.rows:
            mine = by_key[row.metric, row.subset, row.unit, row.decoding]
            assert mine.n == row.n
            assert (mine.difference, mine.low, mine.high) == pytest.approx(
                (row.difference, row.low, row.high), abs=2e-5
            )


def test_what_cannot_be_compared(small_run: Make, tmp_path: Path) -> None:
    kept = store_record(small_run(), tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        crsbench.compare([kept, tmp_path / "none"])
    (tmp_path / "half").mkdir()
    with pytest.raises(UsageError, match="unfinished"):
        crsbench.compare([kept, tmp_path / "half"])
    (kept / VALUES).unlink()
    with pytest.raises(DataError, match=VALUES):
        crsbench.compare([kept])
    assert (kept / ROWS).exists()
