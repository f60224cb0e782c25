"""`crsbench report`: the same bytes each time, no place of the machine, and no run that never finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crsbench import run
from crsbench.report.facts import placeless


def test_the_page_is_the_same_each_time_and_knows_no_place(run_cli: Any, tmp_path: Path) -> None:
    made: Any = run("naive-copy", limit=20, out=tmp_path / "runs")
    answer = run_cli("report", made.path)
    assert (answer.code, answer.err) == (0, "")
    page = (made.path / "report.html").read_text("utf-8")
    assert run_cli("report", made.path, "--out", tmp_path / "again.html").code == 0
    assert (tmp_path / "again.html").read_text("utf-8") == page
    assert str(tmp_path) not in page
    assert "this run kept no earlier policies" in page
    assert "this policy needs no signals" in page


def test_there_is_no_page_of_no_run(run_cli: Any, tmp_path: Path) -> None:
    assert run_cli("report", tmp_path).code == 2


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no data in /home/ann/data/redial/x.json: get it", "no data in …/x.json: get it"),
        ("model=/models/mine", "model=…/mine"),
        ("~/runs/a", "…/a"),
        ("C:\\Users\\ann\\runs", "…/runs"),
        ("org/model and 3/4", "org/model and 3/4"),
        ("http://localhost:80/v1", "http://localhost:80/v1"),
    ],
)
def test_places_are_left_out(said: str, shown: str) -> None:
    assert placeless(said) == shown
