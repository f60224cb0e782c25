"""Numbers as rich markup, with their intervals."""

from __future__ import annotations

import math

from crsbench.numbers import number as number
from crsbench.numbers import rank as rank
from crsbench.numbers import section as section
from crsbench.numbers import signed as signed


def interval(value: float | None, low: float | None, high: float | None) -> str:
    r""".512 [.498, .526], as rich markup; without the brackets where there is no interval."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return number(value)
    return f"{number(value)} \\[{number(low)}, {number(high)}]"


def difference(value: float | None, low: float | None, high: float | None) -> str:
    """A difference with its interval, as rich markup; in bold where zero is outside of it."""
    if value is None or low is None or high is None:
        return signed(value)
    text = f"{signed(value)} \\[{signed(low)}, {signed(high)}]"
    return f"[bold]{text}[/]" if low > 0 or high < 0 else text
