from __future__ import annotations

from pathlib import Path

import pytest

from crsbench.errors import UsageError
from crsbench.leaderboard.cells import read_plan

PLAN = """
[[rows]]
policies = ["popularity", "sft"]
on = ["synthetic", "opendialkg/ievalm"]
seeds = 2
minutes = 3
options = { "sft.epochs" = 1 }

[[rows]]
policies = ["oracle"]
on = ["synthetic"]
minutes = 1
settings = { limit = 10 }
"""


def written(path: Path, text: str) -> Path:
    file = path / "plan.toml"
    file.write_text(text)
    return file


def test_every_row_has_its_first_seed_before_any_has_a_second(tmp_path: Path) -> None:
    cells = read_plan(written(tmp_path, PLAN), {"out": tmp_path})
    assert [cell.label for cell in cells] == [
        "popularity on synthetic (sft.epochs=1), seed 0",
        "sft on synthetic (sft.epochs=1), seed 0",
        "popularity on opendialkg/ievalm (sft.epochs=1), seed 0",
        "sft on opendialkg/ievalm (sft.epochs=1), seed 0",
        "oracle on synthetic, seed 0",
        "popularity on synthetic (sft.epochs=1), seed 1",
        "sft on synthetic (sft.epochs=1), seed 1",
        "popularity on opendialkg/ievalm (sft.epochs=1), seed 1",
        "sft on opendialkg/ievalm (sft.epochs=1), seed 1",
    ]
    assert (cells[2].config.protocol, cells[4].config.limit, cells[4].minutes) == ("ievalm", 10, 1)
    assert all(cell.config.out == tmp_path for cell in cells)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows = 3", "rows"),
        ("[[rows]\n", "plan.toml"),
        ('[[rows]]\npolicies = []\non = ["a"]\nminutes = 1', "rows.0.policies"),
        ('[[rows]]\npolicies = ["a"]\non = ["a"]\nminutes = 1\nsedes = 2', "rows.0.sedes"),
        ('[[rows]]\npolicies = ["a"]\non = ["a"]\nminutes = 1\nsettings = { sead = 2 }', "sead"),
    ],
)
def test_a_damaged_plan_is_refused_in_a_line_that_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_plan(written(tmp_path, text), {})
    assert "\n" not in str(caught.value)


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml cannot be read"):
        read_plan(tmp_path / "nowhere.toml", {})
