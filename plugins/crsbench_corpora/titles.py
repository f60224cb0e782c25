"""Titles of movies as the corpora write them, with a year behind."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"(.*?)\s*\(([0-9]{4})\)\s*")


def titled(name: str) -> tuple[str, int | None]:
    """ "Scarface  (1983)" → ("Scarface", 1983); a name without a year is all title."""
    name = " ".join(name.split())
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2])) if found and found[1] else (name, None)


def plain(title: str) -> str:
    """A title for comparison: case, width and punctuation do not count."""
    known = title if title.isascii() else unicodedata.normalize("NFKC", title)
    return " ".join(_WORD.findall(known.casefold())) or title
