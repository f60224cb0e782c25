"""What of a turn speaks of the items in question."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from crsbench.types import Turn

_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;\n]*")


def spans(text: str) -> list[tuple[int, int]]:
    """[start, end) of each sentence: up to a full stop, an exclamation or question mark, a semicolon or the
    end of a line, and all of these that follow."""
    return [match.span() for match in _SENTENCE.finditer(text)]


def masked(turn: Turn, titles: Sequence[str]) -> str:
    """The turn's text with blanks for the spans that name items, and for `titles` as whole words."""
    text = turn.text
    for mention in turn.mentions:
        if mention.item is not None and mention.span is not None:
            start, end = mention.span
            text = text[:start] + " " * (end - start) + text[end:]
    for title in titles:
        text = re.sub(rf"(?<!\w){re.escape(title)}(?!\w)", " " * len(title), text)
    return text


def about(turn: Turn, items: Collection[int], titles: Sequence[str]) -> str:
    """The words of the turn without titles, and without the sentences that speak of something else: those
    that name items or attributes, and none of `items`. Only what the data annotates with a span is known to
    be named."""
    text = masked(turn, titles)
    kept: list[str] = []
    for start, end in spans(text):
        named = [m.item for m in turn.mentions if m.span is not None and start <= m.span[0] < end]
        if not named or any(item in items for item in named):
            kept += text[start:end].split()
    return " ".join(kept)
