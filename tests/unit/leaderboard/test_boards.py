"""What stands on one board, in which order and with which rank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crsbench import compare
from crsbench.leaderboard.boards import make_boards
from crsbench.leaderboard.lines import Measure, command
from crsbench.leaderboard.records import load_record, load_records, store_record
from crsbench.record import Run

Invent = Callable[..., Path]
SATISFACTION = Measure("satisfaction", "all", "episode", "greedy", "crsbench/synthetic")


def test_seeds_are_one_line(small_run: Callable[..., Run], tmp_path: Path) -> None:
    runs = [small_run("logger", seed) for seed in range(3)]
    for run in [*runs, small_run("popularity")]:
        store_record(run, tmp_path)
    (board,) = make_boards(load_records(tmp_path), ())
    assert board.scenario
    logger = next(line for line in board.lines if line.policy == "logger")
    assert logger.seeds == (0, 1, 2)
    cell = logger.cells[SATISFACTION]
    by_seed = [run.score("satisfaction").value for run in runs]
    assert cell.value == pytest.approx(np.mean(by_seed), abs=1e-5)
    assert cell.over_seeds is not None
    assert cell.over_seeds.n == 3
    row = next(row for row in compare([*runs, small_run("popularity")]).rows if row.metric == "satisfaction")
    assert (cell.value, cell.n) == (pytest.approx(row.value_a, abs=1e-5), row.n)


def test_one_seed_keeps_the_intervals_of_its_record(small_run: Callable[..., Run], tmp_path: Path) -> None:
    record = load_record(store_record(small_run(), tmp_path))
    (board,) = make_boards([record], ())
    told = {Measure(*(row[name] for name in Measure._fields)): row for row in record.record["scores"]}
    for measure, cell in board.lines[0].cells.items():
        row = told[measure]
        assert (cell.value, cell.low, cell.high, cell.n) == (row["value"], row["low"], row["high"], row["n"])


def test_what_is_not_alike_is_not_compared(invent: Invent, tmp_path: Path) -> None:
    invent(tmp_path, "crsbench/a")
    for told in (
        {"dataset_fingerprint": "1" * 16},
        {"protocol": "other"},
        {"limit": 10},
        {"dataset": "stranger/toy"},
    ):
        invent(tmp_path, "crsbench/a", **told)
    boards = make_boards(load_records(tmp_path), ())
    assert len(boards) == 5
    assert all(len(board.lines) == 1 for board in boards)
    assert boards[-1].name == "stranger/toy"


def test_bounds_do_not_rank(invent: Invent, tmp_path: Path) -> None:
    invent(tmp_path, "crsbench/oracle", skill=1.0, privileged=True)
    invent(tmp_path, "crsbench/good", skill=0.9)
    invent(tmp_path, "crsbench/poor", skill=0.1)
    (board,) = make_boards(load_records(tmp_path), ())
    assert [line.policy for line in board.lines] == ["oracle", "good", "poor"]
    assert board.ranks[SATISFACTION] == (None, 1, 2)


def test_other_options_are_another_line(invent: Invent, tmp_path: Path) -> None:
    invent(tmp_path, "crsbench/a")
    invent(tmp_path, "crsbench/a", options_passed={"control": "permuted", "layers": 2, "off": None})
    invent(tmp_path, "crsbench/a", options={"other": 1})
    (board,) = make_boards(load_records(tmp_path), ())
    titles = sorted(board.titles)
    assert titles[0].startswith("a #")
    assert titles[1].startswith("a #")
    assert titles[2] == "a control=permuted layers=2 off=none"


def test_real_data_begins_with_new_items(small_run: Callable[..., Run], tmp_path: Path) -> None:
    record = load_record(store_record(small_run(), tmp_path))
    scores = [row for row in record.record["scores"] if row["metric"] == "recall@10"]
    real = type(record)(record.path, {**record.record, "scores": scores})
    (board,) = make_boards([real], ())
    assert not board.scenario
    assert [(m.metric, m.subset, m.unit) for m in board.main] == [
        ("recall@10", "new", "label"),
        ("recall@10", "all", "label"),
    ]


def test_a_command_is_ready_for_a_shell() -> None:
    config = {
        "plugin": "ppo-iuf",
        "dataset": "synthetic",
        "model": "tiny",
        "seed": 3,
        "signals": ["dwell", "sentiment"],
        "options": {"kl": 0.5, "lora": None, "anneal": True, "name": "two words; rm"},
    }
    assert command(config, seeds=5) == (
        "crsbench run --plugin ppo-iuf --dataset synthetic --seed 3 --signals dwell,sentiment --seeds 5 "
        "-o kl=0.5 -o lora=none -o anneal=true -o 'name=two words; rm'"
    )
