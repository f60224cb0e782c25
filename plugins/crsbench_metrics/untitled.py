"""Texts without the titles of the catalogue: how something is said, whatever it is said of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crsbench.linking import Words, named, spelled
from crsbench.types import Catalog, Mention, Turn

INSTEAD = "it"


class Untitled:
    """A text with `it` in the place of every title. Titles are many, and common words are among them: one
    that begins with a capital counts only where the text has a capital, too. Each text is read once."""

    def __init__(self, catalog: Catalog) -> None:
        titles = (item.title for item in catalog.items)
        self._names: dict[Words, Mention] = {spelled(title): Mention(title) for title in titles}
        self._longest = max((len(words) for words in self._names), default=0)
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        if text not in self._known:
            self._known[text] = self._replaced(text)
        return self._known[text]

    def turns(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        return tuple(replace(turn, text=self(turn.text), mentions=()) for turn in turns)

    def _replaced(self, text: str) -> str:
        def meant(mention: Mention, words: Words, span: tuple[int, int]) -> bool:  # noqa: ARG001 (its protocol)
            return not (text[span[0]].islower() and mention.name[:1].isupper())

        parts: list[str] = []
        at = 0
        for mention in named(text, self._names, self._longest, meant):
            assert mention.span is not None  # what was found stands somewhere
            parts += [text[at : mention.span[0]], INSTEAD]
            at = mention.span[1]
        return "".join([*parts, text[at:]])
