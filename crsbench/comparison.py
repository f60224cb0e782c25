"""Runs, and records of leaderboards, compared on the units that they share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crsbench import stats
from crsbench.leaderboard.records import ROWS, Record, load_record
from crsbench.record import Run, load_run


def compare(runs: Sequence[Run | Record | str | Path]) -> stats.Comparison:
    """Paired tests (`stats.compare`) of finished runs and of records: themselves, their folders or results.

    Raises UsageError for runs on different data, for unfinished ones, and where there is nothing to compare;
    DataError where a record is damaged.
    """
    return stats.compare([_read(one) if isinstance(one, str | Path) else one for one in runs])


def _read(path: str | Path) -> Run | Record:
    run = load_run(path)
    return load_record(run.path) if (run.path / ROWS).exists() else run
