"""Where the texts of a dialogue name an entity."""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int]


def find(name: str, text: str) -> Span | None:
    """[start, end) of the first occurrence in any case; one that stands as a whole word goes first."""
    plain = re.escape(name)
    match = re.search(rf"(?<!\w){plain}(?!\w)", text, re.IGNORECASE) or re.search(plain, text, re.IGNORECASE)
    return match.span() if match else None


def assign(names: Sequence[str], texts: Sequence[str]) -> list[tuple[int, Span]]:
    """The (turn, span) of each name of a flat list that goes turn by turn, without repeats in a turn.

    Each name goes to the earliest turn, from that of the name before on, that contains it and has not
    had it yet. Whenever some assignment in turn order exists, this one does: by induction it is never
    later than any other. Raises ValueError with the name that no turn is left for.
    """
    places: list[tuple[int, Span]] = []
    turn = 0
    had: set[str] = set()
    for name in names:
        span = None
        while turn < len(texts):
            span = None if name in had else find(name, texts[turn])
            if span:
                break
            turn += 1
            had = set()
        if span is None:
            raise ValueError(name)
        had.add(name)
        places.append((turn, span))
    return places
