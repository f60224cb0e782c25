"""Titles in free text, whoever wrote it, and the policy that recommends what users name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from crsbench.audit.targets import SHORTEST
from crsbench.protocols import Want
from crsbench.types import Action, Catalog, Mention, State, Turn

_ARTICLES = ("the", "a", "an")
_WORD = re.compile(r"\w+")
_YEAR = re.compile(r"\s*\((?:18|19|20)\d\d\)\s*$")


class Titles:
    """Longest match first, as words: a title is the same with or without its year, punctuation, case and
    leading article, and the title of a sequel does not name the film before it.

    A title of one word must stand as it is written ("Her" is no "her"), and one shorter than three characters
    is never taken for named. What a turn mentions as an attribute value is no title.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._items: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for i, item in enumerate(catalog.items):
            if key := spoken(item.title):
                self._items[key].append(i)
        self._longest = max(map(len, self._items), default=0)
        self._values = frozenset(value for _, _, value in catalog.links)

    def named(self, turn: Turn) -> list[int]:
        """The items that a turn mentions or its text names, as it goes; those of one title together."""
        values = (one for one in turn.mentions if one.item is None and one.name in self._values)
        written = _WORD.findall(without(turn, values))
        folded = [word.casefold() for word in written]
        found = [mention.item for mention in turn.mentions if mention.item is not None]
        at = 0
        while at < len(written):
            for length in range(min(self._longest, len(written) - at), 0, -1):
                key = tuple((folded if length > 1 else written)[at : at + length])
                if key in self._items:
                    found += self._items[key]
                    at += length
                    break
            else:
                at += 1
        return list(dict.fromkeys(found))


class Copier:
    """Recommends what users named last and nobody recommended yet; else the catalogue in its order."""

    def __init__(self, catalog: Catalog) -> None:
        self.titles = Titles(catalog)

    def act(
        self,
        states: Sequence[State],
        want: Want = "turn",
        k: int = 1,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        del want, k, rng
        assert mask is not None  # conversations always come with one
        return [Action((self._choice(state, row),)) for state, row in zip(states, mask, strict=True)]

    def _choice(self, state: State, allowed: NDArray[np.bool_]) -> int:
        for turn in reversed(state.history):
            for item in reversed(self.titles.named(turn) if turn.speaker == "user" else []):
                if allowed[item]:
                    return item
        return int(allowed.argmax())


def without(turn: Turn, mentions: Iterable[Mention]) -> str:
    """The text with bars where it mentions these."""
    text = turn.text
    for start, end in (mention.span for mention in mentions if mention.span):
        text = text[:start] + "|" * (end - start) + text[end:]
    return text


def spoken(title: str) -> tuple[str, ...]:
    """What has to stand in a text: casefolded words, but a single word as it is written; () for no text."""
    written = _WORD.findall(_YEAR.sub("", title) or title)
    if len(written) > 1 and written[0].casefold() in _ARTICLES:
        written = written[1:]
    if len(written) == 1:
        return tuple(written) if len(written[0]) >= SHORTEST else ()
    return tuple(word.casefold() for word in written)
