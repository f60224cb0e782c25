from __future__ import annotations

from pathlib import Path

import pytest

from crsbench.config import RunConfig
from crsbench.leaderboard.cells import Cell
from crsbench.leaderboard.fill import Filled, Planned, fill, plan
from crsbench.plugins import Host
from crsbench.record import Run
from crsbench.ui import SilentUi

TOYS = Path(__file__).parents[1] / "toys"
UI = SilentUi()


@pytest.fixture
def host() -> Host:
    return Host.discover(TOYS)


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    return [cell(tmp_path, "toy-mute"), cell(tmp_path, "toy-missing"), cell(tmp_path, "toy-mute", seed=1)]


def cell(path: Path, policy: str, **given: object) -> Cell:
    (path / "data").mkdir(exist_ok=True)
    where = {"dataset": "toy", "out": path / "runs", "data_dir": path / "data", "plugins_dir": TOYS}
    config = RunConfig.of({"plugin": policy, "metrics": ("hit",), "device": "cpu", **where, **given})
    return Cell(config=config, minutes=2)


def test_a_plan_says_what_is_missing_and_how_long_it_may_take(host: Host, cells: list[Cell]) -> None:
    first, second, third = plan(cells, [], host, UI)
    assert isinstance(first, Planned)
    assert isinstance(third, Planned)
    assert (first.there, first.seconds, third.seconds) == (False, 120, 120)
    assert first.id != third.id
    assert isinstance(second, Filled)
    assert second.state == "failed"
    assert "toy-missing" in second.reason


def test_each_run_is_kept_as_it_comes_and_not_made_again(host: Host, cells: list[Cell]) -> None:
    kept: list[Run] = []
    ended = list(fill(plan(cells, [], host, UI), host, UI, kept.append))
    assert [one.state for one in ended] == ["made", "failed", "made"]
    records = [run.record for run in kept]
    assert [record["run"]["seed"] for record in records] == [0, 1]

    again = plan(cells, records, host, UI)
    assert [one.state for one in fill(again, host, UI, kept.append)] == ["kept", "failed", "kept"]
    assert len(kept) == 2


def test_what_a_run_took_before_is_the_estimate(host: Host, cells: list[Cell]) -> None:
    (made,) = (run for run in made_by(host, cells[:1]))
    record = {**made.record, "provenance": {"seconds": 7.0}}
    _, third = plan([cells[0], cells[2]], [record], host, UI)
    assert isinstance(third, Planned)
    assert third.seconds == 7


def test_no_run_is_begun_that_may_end_too_late(host: Host, cells: list[Cell]) -> None:
    planned = plan([cells[0], cells[2]], [], host, UI)
    kept: list[Run] = []
    ended = list(fill(planned, host, UI, kept.append, max_hours=1 / 60))  # the estimate is two minutes
    assert [one.state for one in ended] == ["left", "left"]
    assert kept == []


def made_by(host: Host, cells: list[Cell]) -> list[Run]:
    kept: list[Run] = []
    list(fill(plan(cells, [], host, UI), host, UI, kept.append))
    return kept
