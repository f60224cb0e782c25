"""Find titles and entities of a catalogue in what somebody types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crsbench.types import Catalog, Item, Mention

_WORD = re.compile(r"\w+")
_QUOTES = "\"'“”‘’«»"
# Words that are titles, too ("It", "Up", "Her"), and far more often just words: in quotes they are titles.
_COMMON = frozenset(
    (
        *("a", "all", "am", "an", "and", "any", "are", "as", "at", "be", "but", "by", "for", "from", "go"),
        *(
            "he",
            "her",
            "him",
            "his",
            "how",
            "i",
            "if",
            "in",
            "is",
            "it",
            "its",
            "me",
            "my",
            "no",
            "not",
            "of",
        ),
        *("off", "on", "one", "or", "out", "she", "so", "some", "that", "the", "them", "they", "this", "to"),
        *("up", "us", "was", "we", "what", "who", "why", "you"),
    )
)

Words = tuple[str, ...]


class Linker:
    """Longest name first, from left to right, whole words. A title may be typed without its year.

    A title of one word counts where it is spelled as in the catalogue, capitals included.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._names: dict[Words, Mention] = {}
        for i, item in enumerate(catalog.items):
            for title in _titles(item):
                self._names.setdefault(_words(title), Mention(item.title, i))
        for _, _, entity in catalog.links:
            self._names.setdefault(_words(entity), Mention(entity))
        self._names.pop((), None)
        self._spelled = {title for item in catalog.items for title in _titles(item)}
        self._longest = max(map(len, self._names), default=0)

    def find(self, text: str) -> tuple[Mention, ...]:
        """What is named, with its place in the text, in order."""
        words = list(_WORD.finditer(text))
        found: list[Mention] = []
        at = 0
        while at < len(words):
            for n in range(min(self._longest, len(words) - at), 0, -1):
                mention = self._names.get(tuple(word.group().casefold() for word in words[at : at + n]))
                start, end = words[at].start(), words[at + n - 1].end()
                if mention is not None and (n > 1 or self._meant(mention, text, start, end)):
                    found.append(Mention(mention.name, mention.item, (start, end)))
                    at += n
                    break
            else:
                at += 1
        return tuple(found)

    def _meant(self, mention: Mention, text: str, start: int, end: int) -> bool:
        """Whether one word is meant as a name."""
        quoted = text[start - 1 : start] in _QUOTES and text[end : end + 1] in _QUOTES
        if mention.item is None or (quoted and start > 0 and end < len(text)):
            return True
        return text[start:end] in self._spelled and text[start:end].casefold() not in _COMMON


def _titles(item: Item) -> Iterator[str]:
    yield item.title
    bare = re.sub(r"\s*\(\d{4}\)\s*$", "", item.title)
    if bare != item.title:
        yield bare
    elif item.year is not None:
        yield f"{item.title} ({item.year})"


def _words(text: str) -> Words:
    return tuple(word.casefold() for word in _WORD.findall(text))
