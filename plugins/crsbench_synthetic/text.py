"""From templates to text that knows where it names something."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crsbench.types import Mention
from crsbench_synthetic.user_grammar import PHRASES

_PIECES = re.compile(r"\[([^\]]*)\]|<(\w+)>")
_STARTS = re.compile(r"(^|[.!?] )([a-z])")


@dataclass(frozen=True, slots=True)
class Named:
    """What a slot is filled with: an item's title, or an attribute value and its relation."""

    name: str
    item: int | None = None
    relation: str = ""


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str


@functools.cache
def _parse(template: str) -> tuple[str | tuple[str, ...] | _Slot, ...]:
    """Literal text, alternatives, and slots, in order."""
    parts: list[str | tuple[str, ...] | _Slot] = []
    at = 0
    for match in _PIECES.finditer(template):
        parts.append(template[at : match.start()])
        choices, slot = match.groups()
        parts.append(tuple(choices.split("|")) if slot is None else _Slot(slot))
        at = match.end()
    parts.append(template[at:])
    return tuple(part for part in parts if part != "")


class Writer:
    """Writes one turn. `luck` are uniforms in [0, 1): equal luck and equal slots give equal text."""

    def __init__(self, luck: Iterator[float]) -> None:
        self._luck = luck
        self._text = ""
        self._mentions: list[Mention] = []

    def say(self, family: Sequence[str], slots: Mapping[str, Named] | None = None) -> None:
        """Append a sentence of one of the family's templates."""
        if self._text:
            self._add(" ")
        self._fill(self._choose(family), slots or {})

    def result(self) -> tuple[str, tuple[Mention, ...]]:
        text = _STARTS.sub(lambda m: m[1] + m[2].upper(), self._text)
        return text, tuple(self._mentions)

    def chance(self, probability: float) -> bool:
        return next(self._luck) < probability

    def _choose(self, options: Sequence[str]) -> str:
        return options[int(next(self._luck) * len(options))]

    def _add(self, piece: str) -> None:
        """Append; an alternative that was left empty leaves no double space and none before a full stop."""
        if self._text.endswith(" ") or not self._text:
            piece = piece.lstrip(" ")
        if piece[:1] in {".", ",", "?", "!"}:
            self._text = self._text.rstrip(" ")
        self._text += piece

    def _fill(self, template: str, slots: Mapping[str, Named]) -> None:
        for part in _parse(template):
            if isinstance(part, str):
                self._add(part)
            elif isinstance(part, tuple):
                self._add(self._choose(part))
            elif part.name.startswith("np"):
                named = slots[part.name]
                self._fill(self._choose(PHRASES[named.relation]), {"v": named})
            else:
                named = slots[part.name]
                start = len(self._text)
                self._text += named.name
                self._mentions.append(Mention(named.name, named.item, (start, len(self._text))))
