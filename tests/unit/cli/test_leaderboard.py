"""`crsbench leaderboard`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench import run
from crsbench.leaderboard.records import store_record
from crsbench.record import Run

Cli = Callable[..., Any]
SMALL = {"dataset.dialogues": 60, "dataset.test": 30, "dataset.valid": 10}


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Run]:
    def make(policy: str) -> Run:
        found = run(policy, options=SMALL, simulator="none", metrics=["recall@10"], out=tmp_path / "runs")
        assert isinstance(found, Run)
        return found

    return make


def test_build_check_submit(cli: Cli, made: Callable[[str], Run], tmp_path: Path) -> None:
    home = tmp_path / "board"
    where = ("--folder", str(home))
    store_record(made("popularity"), home / "records")
    assert cli("leaderboard", "check", *where).code == 4
    answer = cli("leaderboard", "build", *where)
    assert answer.code == 0, answer.err
    assert f"{home / 'README.md'}\n" in answer.out
    assert "is what its records give" in cli("leaderboard", "build", *where).out

    answer = cli("leaderboard", "submit", str(made("text-knn").path), *where)
    assert answer.code == 0, answer.err
    assert "Build the pages" in answer.out
    answer = cli("leaderboard", "check", *where, "--json")
    assert answer.code == 4
    assert answer.json["records"] == 2
    assert "leaderboard.json: it is not what the records give" in answer.json["faults"]
    assert cli("leaderboard", "build", *where, "--json").json["changed"]
    answer = cli("leaderboard", "check", *where)
    assert (answer.code, answer.out) == (0, f"2 records give their scores, and all pages of {home}\n")

    answer = cli("leaderboard", "submit", str(made("text-knn").path), *where, "--json")
    assert answer.code == 4
    assert answer.json["record"] is None
    assert "is there already" in answer.json["reasons"][0]
    assert "is refused" in answer.err


def test_no_run_to_submit(cli: Cli, tmp_path: Path) -> None:
    answer = cli("leaderboard", "submit", str(tmp_path / "none"), "--folder", str(tmp_path))
    assert answer.code == 2
    assert "there is no such folder" in answer.err


PLAN = """
[[rows]]
policies = ["popularity", "text-nkk"]
on = ["synthetic"]
minutes = 1
options = { "dataset.dialogues" = 60, "dataset.test" = 30, "dataset.valid" = 10 }
settings = { simulator = "none", metrics = "recall@10" }
"""


def test_fill_makes_the_records_of_a_plan_once(cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "board"
    home.mkdir()
    (home / "plan.toml").write_text(PLAN)
    asked = ("leaderboard", "fill", "--folder", str(home), "--out", str(tmp_path / "runs"))
    answer = cli(*asked, "--dry-run")
    assert (answer.code, list(home.iterdir())) == (0, [home / "plan.toml"]), answer.err
    told = " ".join(answer.out.split())
    assert "2 runs: 0 recorded by this version of the code, 1 to be made, about 1 min 00 s" in told
    assert "1 cannot be made, the first of them because: unknown policy 'text-nkk'" in told

    answer = cli(*asked)
    assert answer.code == 1
    assert "1 made, 1 failed" in answer.out
    assert "text-nkk" in answer.err
    assert len(list(home.glob("records/**/result.json"))) == 1
    assert "1 there before, 1 failed" in cli(*asked).out
    assert cli("leaderboard", "build", "--folder", str(home)).code == 0
    assert cli("leaderboard", "check", "--folder", str(home)).code == 0
