"""Find the catalogue's titles and entities in a text: for text that nobody annotated."""

from __future__ import annotations

from crsbench.linking import Words, named, spelled
from crsbench.types import Catalog, Mention


class Linker:
    """Every title and entity counts, however it is spelled."""

    def __init__(self, catalog: Catalog) -> None:
        self._names: dict[Words, Mention] = {}
        for _, _, entity in catalog.links:
            self._add(entity, Mention(entity))
        for i, item in enumerate(catalog.items):  # a title wins over an entity of the same name
            self._add(item.title, Mention(item.title, item=i))
        self._longest = max((len(words) for words in self._names), default=0)

    def _add(self, name: str, mention: Mention) -> None:
        if words := spelled(name):
            self._names[words] = mention

    def find(self, text: str) -> tuple[Mention, ...]:
        """All mentions with their spans, in order of appearance."""
        return named(text, self._names, self._longest)
