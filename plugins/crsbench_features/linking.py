"""Find the catalogue's titles and entities in a text: for text that nobody annotated."""

from __future__ import annotations

import re

from crsbench.types import Catalog, Mention

_WORD = re.compile(r"\w+", re.UNICODE)


class Linker:
    """Longest match first, whole words, case-insensitive, left to right without overlaps."""

    def __init__(self, catalog: Catalog) -> None:
        self._names: dict[tuple[str, ...], Mention] = {}
        for _, _, entity in catalog.links:
            self._add(entity, Mention(entity))
        for i, item in enumerate(catalog.items):  # a title wins over an entity of the same name
            self._add(item.title, Mention(item.title, item=i))
        self._longest = max((len(words) for words in self._names), default=0)

    def _add(self, name: str, mention: Mention) -> None:
        if words := tuple(w.casefold() for w in _WORD.findall(name)):
            self._names[words] = mention

    def find(self, text: str) -> tuple[Mention, ...]:
        """All mentions with their spans, in order of appearance."""
        found = list(_WORD.finditer(text))
        words = [match.group().casefold() for match in found]
        mentions: list[Mention] = []
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                hit = self._names.get(tuple(words[at : at + length]))
                if hit is not None:
                    span = (found[at].start(), found[at + length - 1].end())
                    mentions.append(Mention(hit.name, hit.item, span))
                    at += length
                    break
            else:
                at += 1
        return tuple(mentions)
