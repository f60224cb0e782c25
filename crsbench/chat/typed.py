"""Find titles and entities of a catalogue in what somebody types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crsbench.linking import Words, named, spelled
from crsbench.types import Catalog, Item, Mention

_QUOTES = "\"'“”‘’«»"
# Words that are titles, too ("It", "Up", "Her"), and far more often just words: in quotes they are titles.
_COMMON = frozenset(
    spelled(
        "a all am an and any are as at be but by for from go he her him his how i if in is it its me my no "
        "not of off on one or out she so some that the them they this to up us was we what who why you"
    )
)


class Linker:
    """A title may be typed without its year, and counts as a name where `_meant` says so."""

    def __init__(self, catalog: Catalog) -> None:
        self._names: dict[Words, Mention] = {}
        for i, item in enumerate(catalog.items):
            for title in _titles(item):
                self._names.setdefault(spelled(title), Mention(item.title, i))
        for _, _, entity in catalog.links:
            self._names.setdefault(spelled(entity), Mention(entity))
        self._names.pop((), None)
        self._titles = {title for item in catalog.items for title in _titles(item)}
        self._longest = max(map(len, self._names), default=0)

    def find(self, text: str) -> tuple[Mention, ...]:
        """What is named, with its place in the text, in order."""

        def meant(mention: Mention, words: Words, span: tuple[int, int]) -> bool:
            return len(words) > 1 or self._meant(mention, text, *span)

        return named(text, self._names, self._longest, meant)

    def _meant(self, mention: Mention, text: str, start: int, end: int) -> bool:
        """Whether one word is meant as a name: a title as the catalogue spells it, capitals included."""
        quoted = text[start - 1 : start] in _QUOTES and text[end : end + 1] in _QUOTES
        if mention.item is None or (quoted and start > 0 and end < len(text)):
            return True
        return text[start:end] in self._titles and text[start:end].casefold() not in _COMMON


def _titles(item: Item) -> Iterator[str]:
    yield item.title
    bare = re.sub(r"\s*\(\d{4}\)\s*$", "", item.title)
    if bare != item.title:
        yield bare
    elif item.year is not None:
        yield f"{item.title} ({item.year})"
