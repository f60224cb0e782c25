"""Tables of numbers: whole at 80 columns, and whole where they are wider."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from crsbench.cli.fitting import show
from crsbench.cli.numbers import difference, interval

VALUE, GAP = interval(0.5, 0.49, 0.51), difference(-0.038, -0.053, -0.026)


def printed(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int = 80) -> list[str]:
    file = io.StringIO()
    show(Console(file=file, width=width, highlight=False), columns, rows)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_room_enough() -> None:
    lines = printed(["metric", "final"], [["[dim]test rows[/]"], [" recall@1", VALUE]])
    assert lines == ["metric     final", "test rows", " recall@1  .500 [.490, .510]"]


@pytest.mark.parametrize(("name", "lines"), [("n" * 19, 2), ("n" * 22, 2), ("n" * 23, 3), ("n" * 60, 3)])
def test_two_stages_fit_whatever_the_name(name: str, lines: int) -> None:
    found = printed(["metric", "sft", "final", "difference"], [[f" {name}", VALUE, VALUE, GAP]])
    assert len(found) == lines
    assert max(map(len, found)) <= 80
    assert f" {name}" in "\n".join(found)
    assert " ".join(found[-1].split()).endswith(".500 [.490, .510] .500 [.490, .510] -.038 [-.053, -.026]")


def test_many_stages_have_their_intervals_below() -> None:
    stages = ["first", "second", "third", "final"]
    found = printed(["metric", *stages, "difference"], [[" recall@10", *[VALUE] * 4, GAP]])
    assert found[1].split() == ["recall@10", *[".500"] * 4, "-.038"]
    assert found[2].split("] ") == [" " * 11 + "[.490, .510", *["[.490, .510"] * 3, "[-.053, -.026]"]
    assert max(map(len, found)) <= 80


def test_nothing_is_cut_where_nothing_fits() -> None:
    found = printed([f"column {i}" for i in range(12)], [["name"] + [VALUE] * 11], width=40)
    assert "\n".join(found).count(".500") == "\n".join(found).count("[.490, .510]") == 11
    assert found[0].split("  ")[-1].endswith("column 11")


def test_bold_outlives_the_fold() -> None:
    file = io.StringIO()
    out = Console(file=file, width=20, force_terminal=True, color_system="standard", highlight=False)
    show(out, ["", "difference"], [["metric", difference(0.2, 0.1, 0.3)]])
    assert file.getvalue().count("\x1b[1m+.200") == file.getvalue().count("\x1b[1m[+.100, +.300]") == 1
