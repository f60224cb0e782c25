"""Numbers for people: three digits that say something; under which heading, and by which unit."""

from __future__ import annotations

import math

_UNITS = ("label", "episode", "row", "dialogue")  # the first that a metric has is the one that is shown
_SECTIONS = {None: "test rows", "greedy": "episodes, greedy", "sampled": "episodes, sampled"}


def number(value: float | None) -> str:
    """.512, -.031, 2.35, 23.5, 117; a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    for digits, least in ((0, 99.95), (1, 9.995), (2, 0.9995)):
        if abs(value) >= least:
            return f"{value:.{digits}f}"
    return f"{value:.3f}".replace("0.", ".", 1)


def signed(value: float | None) -> str:
    """+.031, -.031."""
    text = number(value)
    return text if text.startswith("-") else f"+{text}"


def section(decoding: str | None) -> str:
    """The heading under which what was measured so is shown."""
    return _SECTIONS.get(decoding, str(decoding))


def rank(unit: str) -> int:
    """Which of a metric's units is shown: the one of the lowest rank."""
    return _UNITS.index(unit) if unit in _UNITS else len(_UNITS)
