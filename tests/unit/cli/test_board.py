"""A comparison as a table: who is better than whom, and how it is written."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from crsbench.cli.board import board, letters, raised, shown, to_csv, to_latex, to_markdown, winner
from crsbench.stats import Comparison, Row

SIDES = {"x/a_1": ("r1",), "x/b (k=<2>)": ("r2",), "c|d": ("r3",)}
A, B, C = SIDES


def row(a: str, b: str, value_a: float, value_b: float, p: float, **more: Any) -> Row:
    fields = {
        "metric": "m_1",
        "subset": "all",
        "unit": "row",
        "decoding": None,
        "simulator": None,
        "higher_is_better": True,
        "low": 0.0,
        "high": 0.0,
        "p_bootstrap": p,
        "effect": None,
        "n": 9,
        "seeds": 1,
        "seeds_low": None,
        "seeds_high": None,
        "both_low": None,
        "both_high": None,
    } | more
    change = value_b - value_a
    return Row(a=a, b=b, value_a=value_a, value_b=value_b, difference=change, p=p / 2, p_adjusted=p, **fields)


def compared(*more: Row) -> Comparison:
    rows = (row(A, B, 0.2, 0.4, 0.01), row(A, C, 0.2, 0.3, 0.04), row(B, C, 0.4, 0.3, 0.06))
    return Comparison("x/data", "p", SIDES, (*rows, *more))


def test_who_is_better_than_whom() -> None:
    (line,) = board(compared())
    assert letters(compared()) == {A: "a", B: "b", C: "c"}
    found = {side: (cell.value, cell.over, cell.best) for side, cell in line.cells.items()}
    assert found == {A: (0.2, "", False), B: (0.4, "a", True), C: (0.3, "a", False)}
    assert raised("ac") == "ᵃᶜ"


@pytest.mark.parametrize(
    ("value", "p", "higher", "expected"),
    [(0.4, 0.01, True, B), (0.1, 0.01, True, A), (0.4, 0.01, False, A), (0.4, 0.05, True, None)],
)
def test_direction(value: float, p: float, higher: bool, expected: str | None) -> None:
    assert winner(row(A, B, 0.2, value, p, higher_is_better=higher)) == expected


def test_where_less_is_better_the_least_is_best() -> None:
    (line,) = board(Comparison("x", "p", SIDES, (row(A, B, 0.2, 0.4, 0.01, higher_is_better=False),)))
    assert {side: (cell.over, cell.best) for side, cell in line.cells.items()} == {
        A: ("b", True),
        B: ("", False),
    }


def test_a_bound_does_not_rank() -> None:
    rows = compared().rows
    found = Comparison("x/data", "p", SIDES, rows, privileged=(B,))
    (line,) = board(found)
    assert {side: (cell.over, cell.best) for side, cell in line.cells.items()} == {
        A: ("", False),
        B: ("", False),
        C: ("a", True),
    }
    for text in (to_markdown(found), to_latex(found)):
        assert "privileged" in text
    assert "†" in to_markdown(found).splitlines()[0]


def test_people_see_all_targets_in_one_unit() -> None:
    label, tail = row(A, B, 0, 1, 0.5, unit="label"), row(A, B, 0, 1, 0.5, subset="tail")
    assert shown(compared(label, tail)) == [label]


def test_markdown() -> None:
    lines = to_markdown(compared(row(A, B, 1, 2, 0.5, metric="z", decoding="greedy"))).splitlines()
    assert lines[0] == r"| metric | x/a\_1 (a) | x/b \(k=\<2\>\) (b) | c\|d (c) |"
    assert lines[1:4] == [
        "| --- | --: | --: | --: |",
        "| *test rows* |  |  |  |",
        r"| m\_1 | .200 | **.400**<sup>a</sup> | .300<sup>a</sup> |",
    ]
    assert lines[4:6] == ["| *episodes, greedy* |  |  |  |", "| z | 1.00 | **2.00** | - |"]
    assert lines[7].startswith("x/data, protocol p: a letter marks")


def test_latex() -> None:
    text = to_latex(compared())
    assert r"metric & x/a\_1$^{a}$ & x/b (k=\textless{}2\textgreater{})$^{b}$ & c\textbar{}d$^{c}$ \\" in text
    assert r"m\_1 & .200 & \textbf{.400}$^{a}$ & .300$^{a}$ \\" in text
    assert text.count("{") == text.count("}")
    assert r"p \textless{} 0.05 after Holm" in text


def test_csv_holds_every_row() -> None:
    found = compared(row(A, B, 0, 1, 0.5, subset="tail"))
    read = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert [(one["subset"], one["a"], one["b"]) for one in read] == [
        ("all", A, B),
        ("all", A, C),
        ("all", B, C),
        ("tail", A, B),
    ]
    assert float(read[0]["p_adjusted"]) == 0.01
    assert read[0]["seeds_low"] == ""
