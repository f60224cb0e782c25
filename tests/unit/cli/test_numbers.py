"""Numbers for people."""

from __future__ import annotations

import math

import pytest

from crsbench.cli.numbers import difference, interval, number, signed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, ".000"),
        (0.5124, ".512"),
        (-0.0312, "-.031"),
        (0.9996, "1.00"),
        (1.0, "1.00"),
        (9.996, "10.0"),
        (23.46, "23.5"),
        (99.96, "100"),
        (1234.5, "1234"),
        (-2.345, "-2.35"),
        (None, "-"),
        (math.nan, "-"),
    ],
)
def test_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_signs_and_intervals() -> None:
    assert (signed(0.03), signed(-0.03)) == ("+.030", "-.030")
    assert interval(0.5, 0.4, 0.6) == ".500 \\[.400, .600]"
    assert interval(0.5, math.nan, math.nan) == ".500"
    assert difference(0.1, -0.1, 0.3) == "+.100 \\[-.100, +.300]"
    assert difference(0.1, 0.05, 0.3) == "[bold]+.100 \\[+.050, +.300][/]"
