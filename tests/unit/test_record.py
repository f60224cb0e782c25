"""Records that are missing, damaged or of another schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crsbench.errors import DataError, UsageError
from crsbench.record import load_run, read_values

SCORE = {
    "metric": "m",
    "stage": "final",
    "subset": "all",
    "unit": "episode",
    "decoding": "greedy",
    "simulator": "s",
    "value": 0.5,
    "low": 0.4,
    "high": 0.6,
    "n": 9,
    "higher_is_better": True,
}


def write(folder: Path, record: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_text(record if isinstance(record, str) else json.dumps(record))
    return folder


def test_a_score_is_looked_up(tmp_path: Path) -> None:
    record = {
        "schema": 1,
        "status": "complete",
        "run": {"id": "x"},
        "scores": [SCORE, {**SCORE, "decoding": "sampled", "value": 0.3}],
        "absent": [{"metric": "k", "stage": "final", "reason": "no truth"}],
    }
    run = load_run(write(tmp_path / "x", record) / "result.json")
    assert run.path == tmp_path / "x"
    assert run.score("m").value == 0.5
    assert run.score("m", decoding="sampled").value == 0.3
    with pytest.raises(UsageError, match="no k: no truth"):
        run.score("k")
    for wrong in ({"stage": "sft"}, {"subset": "new"}, {"unit": "row"}):
        with pytest.raises(UsageError, match="run x has no m"):
            run.score("m", **wrong)  # pyright: ignore


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"schema": 1, "sta', "result.json is damaged"),
        ("[1]", "result.json is damaged"),
        ({"status": "complete"}, "result.json is damaged"),
        ({"schema": 99}, "schema 99, and this version reads schema 1"),
    ],
)
def test_a_damaged_record(tmp_path: Path, record: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_run(write(tmp_path / "x", record))


@pytest.mark.parametrize("line", ['{"units": "u0", "ids": [', '{"stage": "s", "of": "u7"}', "[]"])
def test_damaged_values_name_the_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "values.jsonl"
    file.write_text('{"units": "u0", "ids": [], "groups": []}\n' + line + "\n")
    with pytest.raises(DataError, match=r"values\.jsonl, line 2 is damaged"):
        read_values(file)
    with pytest.raises(DataError, match="cannot read"):
        read_values(tmp_path / "none")
