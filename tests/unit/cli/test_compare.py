"""`crsbench compare`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
SMALL = ["-o", "dataset.dialogues=60", "-o", "dataset.test=30", "-o", "dataset.valid=10"]


@pytest.fixture
def runs(cli: Cli, tmp_path: Path) -> Callable[..., list[str]]:
    """Folders of finished runs of policies."""

    def make(*policies: str, seeds: int = 1) -> list[str]:
        flags = [
            *SMALL,
            "--simulator",
            "none",
            "--metrics",
            "recall@10",
            "--out",
            tmp_path,
            "--quiet",
            "--json",
        ]
        records = [
            record
            for policy in policies
            for record in cli("run", "--plugin", policy, *flags, "--seeds", seeds, "--quiet", "--json").json
        ]
        return [str(tmp_path / record["run"]["id"]) for record in records]

    return make


def test_two_runs(cli: Cli, runs: Callable[..., list[str]]) -> None:
    folders = runs("popularity", "text-knn")
    answer = cli("compare", *folders)
    assert answer.code == 0, answer.err
    lines = [line.rstrip() for line in answer.out.splitlines()]
    assert lines[0] == "crsbench/synthetic, protocol logged"
    assert any(line.startswith("a = crsbench/popularity (") for line in lines)
    assert any(line.startswith("recall@10 ") for line in lines)
    assert max(map(len, lines)) <= 80
    rows = cli("compare", *folders, "--json").json["rows"]
    row = next(row for row in rows if row["subset"] == "all" and row["unit"] == "label")
    assert (row["metric"], row["a"], row["b"]) == ("recall@10", "crsbench/popularity", "crsbench/text-knn")
    assert row["low"] <= row["difference"] <= row["high"]


def test_seeds_are_one_side(cli: Cli, runs: Callable[..., list[str]]) -> None:
    answer = cli("compare", *runs("popularity", "text-knn", seeds=2))
    assert answer.code == 0, answer.err
    assert "over seeds" in answer.out
    assert max(len(line.rstrip()) for line in answer.out.splitlines()) <= 80


def test_more_than_two_have_a_table_of_all(cli: Cli, runs: Callable[..., list[str]]) -> None:
    folders = runs("popularity", "text-knn", "naive-copy")
    answer = cli("compare", *folders)
    assert answer.code == 0, answer.err
    heads = [line.split() for line in answer.out.splitlines() if line.startswith("metric")]
    assert heads[0] == ["metric", "a", "b", "c"]
    assert [head[3:6] for head in heads[1:]] == [["b", "-", "a"], ["c", "-", "a"], ["c", "-", "b"]]
    assert "p Holm" in answer.out
    for form, expected in (
        ("markdown", "| metric | "),
        ("latex", "\\begin{table}"),
        ("csv", "metric,subset,"),
    ):
        answer = cli("compare", *folders, "--format", form)
        assert (answer.code, answer.out[: len(expected)]) == (0, expected)
    assert cli("compare", *folders, "--format", "json").json == cli("compare", *folders, "--json").json
    assert cli("compare", *folders, "--format", "word").code == 2


@pytest.mark.parametrize("count", [1, 0])
def test_nothing_to_compare(count: int, cli: Cli, runs: Callable[..., list[str]]) -> None:
    answer = cli("compare", *runs("popularity")[:count])
    assert answer.code == 2
    assert len(answer.line) > 0


def test_a_folder_that_is_no_run(cli: Cli, tmp_path: Path) -> None:
    answer = cli("compare", tmp_path, tmp_path)
    assert answer.code == 2
    assert str(tmp_path) in answer.line
