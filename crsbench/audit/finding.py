"""One kind of defect: how often, of how many, what it looks like, and which number it makes doubtful."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

EXAMPLES = 3
WIDTH = 90


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` of `total` things have the defect; `affects` says which number it makes doubtful, and how."""

    name: str
    count: int
    total: int
    examples: tuple[str, ...]
    affects: str


def finding(name: str, found: Iterable[str], total: int, affects: str) -> Finding:
    """A finding from one line of text a defect; the first few become its examples."""
    lines = iter(found)
    first = list(itertools.islice(lines, EXAMPLES))
    count = len(first) + sum(1 for _ in lines)
    return Finding(name, count, total, tuple(short(line) for line in first), affects)


def short(text: str, width: int = WIDTH) -> str:
    """One line of at most `width` characters."""
    return textwrap.shorten(text, width, placeholder=" …")
