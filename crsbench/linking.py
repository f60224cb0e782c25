"""Find names in a text: the longest first, from left to right, as whole words, whatever their case."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from crsbench.types import Mention

Words = tuple[str, ...]
_WORD = re.compile(r"\w+")


def spelled(name: str) -> Words:
    """The words that a name is found by."""
    return tuple(word.casefold() for word in _WORD.findall(name))


def named(
    text: str,
    names: Mapping[Words, Mention],
    longest: int,
    meant: Callable[[Mention, Words, tuple[int, int]], bool] | None = None,
) -> tuple[Mention, ...]:
    """What of `names` (by `spelled`; of `longest` words at most) stands in the text, with its span, in order.

    `meant` may refuse a name by its words and span: then a shorter one is looked for.
    """
    found = list(_WORD.finditer(text))
    words = tuple(match.group().casefold() for match in found)
    mentions: list[Mention] = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            here = words[at : at + length]
            mention = names.get(here)
            if mention is None:
                continue
            span = found[at].start(), found[at + length - 1].end()
            if meant is None or meant(mention, here, span):
                mentions.append(Mention(mention.name, mention.item, span))
                at += length
                break
        else:
            at += 1
    return tuple(mentions)
