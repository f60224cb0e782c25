"""A number in three digits that say something, and which unit of a metric is shown first."""

from __future__ import annotations

import math

_UNITS = ("label", "episode", "row", "dialogue")  # the first that a metric has is the one that is shown


def number(value: float | None) -> str:
    """.512, -.031, 2.35, 23.5, 117; a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    for digits, least in ((0, 99.95), (1, 9.995), (2, 0.9995)):
        if abs(value) >= least:
            return f"{value:.{digits}f}"
    return f"{value:.3f}".replace("0.", ".", 1)


def rank(unit: str) -> int:
    """Which of a metric's units is shown: the one of the lowest rank."""
    return _UNITS.index(unit) if unit in _UNITS else len(_UNITS)
