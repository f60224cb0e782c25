"""What a person's words say: the catalogue's attribute values in free text, and whether they are liked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from crsbench.types import Mention, Turn

COMMON = 0.005  # a name of one word counts where at least this share of the items has it: "Will" is no actor
_WORD = re.compile(r"\w+")
_CLAUSE = re.compile(r"[.!?;\n]+|\bbut\b", re.IGNORECASE)
_SAID: Mapping[str, str] = {  # what people say for what catalogues call by another name
    "scary": "horror",
    "funny": "comedy",
    "comedic": "comedy",
    "romantic": "romance",
    "animated": "animation",
    "mysterious": "mystery",
}
_DISLIKES = re.compile(
    r"\b(hate[ds]?|dislike[ds]?|can'?t stand|avoid|terrible|awful|boring|worst|too scary"
    r"|(do|did|does|was|were|is|am|are)(n'?t| not) (\w+ ){0,2}(like|love|enjoy|into|fan|good|care)"
    r"|'?m not (\w+ ){0,2}(into|fan|interested)|not (\w+ )?(a |into |interested|my |for me|so much))\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"\b((have|has|had|did)(n'?t| not)|never)( \w+)? (see|seen|watch|watched|heard?)\b", re.IGNORECASE
)


def feeling(clause: str) -> bool | None:
    """Whether a clause likes what it names; None where it says that its speaker does not know it.

    What is named without a judgement was named because somebody wants something of the kind.
    """
    if _UNKNOWN.search(clause):
        return None
    return _DISLIKES.search(clause) is None


class Lexicon:
    """The catalogue's attribute values by the words of their names, singular and plural alike."""

    def __init__(self, owners: Mapping[str, int], items: int) -> None:
        """`owners`: value → how many of the `items` have it."""
        self._names: dict[tuple[str, ...], str] = {}
        for entity, count in owners.items():
            words = tuple(map(_stem, _WORD.findall(entity.casefold())))
            if len(words) > 1 or (words and count >= COMMON * items):
                self._names.setdefault(words, entity)
        self._longest = max(map(len, self._names), default=0)

    def read(self, turn: Turn) -> Iterator[tuple[Mention, bool]]:
        """What a turn names, clause by clause, and whether it is liked; items as they are annotated."""
        at = 0
        for clause in _clauses(turn.text):
            start, at = at, at + len(clause)
            here = [m for m in turn.mentions if m.span and start <= m.span[0] < at]
            judged = feeling(clause)
            if judged is None:
                continue
            for mention in here:
                yield mention, judged
            for name in self._named(_without(clause, start, here)):
                yield Mention(name), judged
        judged = feeling(turn.text)
        if judged is not None:
            yield from ((m, judged) for m in turn.mentions if m.span is None)

    def _named(self, text: str) -> Iterator[str]:
        """Longest match first, left to right."""
        words = [_stem(_SAID.get(word, word)) for word in _WORD.findall(text.casefold())]
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                name = self._names.get(tuple(words[at : at + length]))
                if name is not None:
                    yield name
                    at += length
                    break
            else:
                at += 1


def _clauses(text: str) -> Iterator[str]:
    """The text in pieces that together are the whole of it."""
    at = 0
    for match in _CLAUSE.finditer(text):
        yield text[at : match.end()]
        at = match.end()
    yield text[at:]


def _without(clause: str, start: int, mentions: list[Mention]) -> str:
    """The clause without what is annotated in it: the words of a title name nothing else."""
    for mention in mentions:
        if mention.span:
            a, b = mention.span[0] - start, mention.span[1] - start
            clause = clause[:a] + "\x00" * (b - a) + clause[b:]
    return clause


def _stem(word: str) -> str:
    """comedies → comedy, thrillers → thriller."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
