"""consistency: does a turn contradict what was said before, or itself?

A turn recommends its first item, c. It is consistent (1, else 0) unless one of these holds:

- *again*: the user refused c before, or said to have seen it;
- *disliked*: c, or another item that the turn names for the first time, has an attribute that the user said
  to dislike;
- *at odds*: the text names an item that was not mentioned before, and not c.

What a user says is read clause by clause, by rules for English that prefer missing something to inventing it.
A clause with a cue of refusal or of having seen speaks of the items that it names; where its turn names none,
of those that the system turn before it named or recommended. A clause with a cue of dislike speaks of the
attributes that it names; the last clause that names an attribute decides. Titles are found in a text as they
stand in the catalogue, in any case those of three words or more, in their own case the others; a year in
brackets may be left out. Titles of one word are not looked for, except c's: too many are words like others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import ClassVar, Literal, cast

from crsbench import Options
from crsbench.types import Absent, Action, Catalog, Corpus, Episode, Mention, RankedRow, State, Turn, Values
from crsbench_metrics.episodes import of_episodes
from crsbench_metrics.whole import of_rows

_CLAUSE = re.compile(r"[^.!?;\n]+?(?=\bbut\b|[.!?;\n]|$)")
_SEEN = re.compile(
    r"\b(?:(?:already|i(?:['’]ve| have)?(?: just| both)?) (?:seen|saw|watched)"
    r"|(?:seen|saw|watched) (?:it|that|them|this|those|both))\b",
    re.IGNORECASE,
)
_UNSEEN = re.compile(r"n['’]?t\b|\b(?:not|never)\b", re.IGNORECASE)
_NOT = r"\b(?:(?:do|does|did|would|could|ca|wo)n['’]?t|do not|does not|did not|cannot)"
_DISLIKE = re.compile(
    rf"{_NOT} (?:\w+ )?(?:like|love|enjoy|care|watch|want|stand|bear)\b|\b(?:hate|dislike|avoid|leave out)\b"
    r"|\bnot (?:\w+ ){0,2}(?:fan|fond|into|interested|keen)\b|\bnot (?:in the mood|for me)\b"
    r"|\b(?:sick|tired|enough|too much) of\b|\bno patience for\b|\bnothing (?:like|close to)\b"
    r"|\b(?:would not|will never) be\b",
    re.IGNORECASE,
)
_REFUSE = re.compile(
    rf"{_DISLIKE.pattern}|^\W*(?:no|nope|nah|pass)\b(?! problem| worries|,? i)"
    r"|\bsomething (?:else|different)\b|\bnot that one\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\s*\(\d{4}\)$")
_WORD = re.compile(r"\w+")


class Titles:
    """Finds the titles of a catalogue in texts."""

    def __init__(self, catalog: Catalog) -> None:
        self._bare = [_YEAR.sub("", item.title) for item in catalog.items]
        self._known: dict[tuple[str, ...], list[int]] = {}
        for item, title in enumerate(self._bare):
            words = tuple(_WORD.findall(title.lower()))
            if len(words) > 1:
                self._known.setdefault(words, []).append(item)
        self._lengths = sorted({len(words) for words in self._known}, reverse=True)

    def named(self, text: str, chosen: int) -> tuple[bool, frozenset[int]]:
        """Whether the text names the chosen item, and the items that it names elsewhere.

        At each place the longest title counts; items of one title are all named.
        """
        own = re.search(rf"(?<!\w){re.escape(self._bare[chosen])}(?!\w)", text, re.IGNORECASE)
        if own:
            text = f"{text[: own.start()]}\n{text[own.end() :]}"
        words = [match[0] for match in _WORD.finditer(text)]
        lower = [word.lower() for word in words]
        found: set[int] = set()
        at = 0
        while at < len(words):
            length = next((n for n in self._lengths if tuple(lower[at : at + n]) in self._known), 1)
            for item in self._known.get(tuple(lower[at : at + length]), ()) if length > 1 else ():
                if length > 2 or _WORD.findall(self._bare[item]) == words[at : at + length]:
                    found.add(item)
            at += length
        return own is not None, frozenset(found - {chosen})


def turned_down(history: Sequence[Turn]) -> frozenset[int]:
    """The items that the user has refused, or said to have seen."""
    found: set[int] = set()
    for before, turn in zip((None, *history), history, strict=False):
        if turn.speaker != "user":
            continue
        named = any(mention.item is not None for mention in turn.mentions)
        for text, mentions in clauses(turn):
            if not (_REFUSE.search(text) or (_SEEN.search(text) and not _UNSEEN.search(text))):
                continue
            found.update(mention.item for mention in mentions if mention.item is not None)
            if not named and before is not None and before.speaker == "system":
                found.update(before.recommended)
                found.update(mention.item for mention in before.mentions if mention.item is not None)
    return frozenset(found)


def disliked(history: Sequence[Turn]) -> frozenset[str]:
    """The attributes that the user last spoke of with dislike, in lower case."""
    last: dict[str, bool] = {}
    for turn in history:
        if turn.speaker == "user":
            for text, mentions in clauses(turn):
                for mention in mentions:
                    if mention.item is None:
                        refused = re.search(rf"\bno {re.escape(mention.name)}", text, re.IGNORECASE)
                        last[mention.name.lower()] = bool(_DISLIKE.search(text) or refused)
    return frozenset(name for name, dislike in last.items() if dislike)


def clauses(turn: Turn) -> Iterator[tuple[str, list[Mention]]]:
    """The clauses of a turn, titles in them blotted out, each with what is mentioned in it.

    A mention whose place is not known belongs to no clause.
    """
    placed = [(mention, mention.span) for mention in turn.mentions if mention.span is not None]
    text = turn.text
    for mention, (start, end) in placed:
        if mention.item is not None:
            text = f"{text[:start]}{'x' * (end - start)}{text[end:]}"
    for match in _CLAUSE.finditer(text):
        yield match[0], [m for m, (start, _) in placed if match.start() <= start < match.end()]


def contradiction(state: State, action: Action, catalog: Catalog, titles: Titles) -> str | None:
    """What is wrong with a turn ("again", "disliked", "at odds"), or None."""
    item, history = action.items[0], state.history
    if item in turned_down(history):
        return "again"
    before = set(state.mentioned()) | {shown for turn in history for shown in turn.recommended}
    own, others = titles.named(action.text or "", item)
    fresh = others - before
    avoided = disliked(history)
    if avoided and any(avoided & _attributes(catalog, one) for one in (item, *fresh)):
        return "disliked"
    return "at odds" if fresh and not own else None


def _attributes(catalog: Catalog, item: int) -> frozenset[str]:
    return frozenset(value.lower() for values in catalog.items[item].attributes.values() for value in values)


class _Consistency:
    """Finds contradictions, with the titles of one catalogue at a time."""

    name: ClassVar[str]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options
        self._fitted: tuple[Catalog, Titles] | None = None

    def judge(self, turns: Iterable[tuple[State, Action]], catalog: Catalog) -> list[float]:
        """1 for each turn that contradicts nothing, else 0."""
        if self._fitted is None or self._fitted[0] is not catalog:
            self._fitted = catalog, Titles(catalog)
        titles = self._fitted[1]
        return [float(contradiction(state, action, catalog, titles) is None) for state, action in turns]


class Consistency(_Consistency):
    """Share of turns without a contradiction; unit row. Rows where nothing is recommended are left out."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "texts"
    name = "consistency"

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        rows = [row for row in cast("Sequence[RankedRow]", judged) if row.action.items]
        if not rows:
            return [Absent(self.name, "nothing was recommended")]
        found = self.judge([(row.row.state, row.action) for row in rows], corpus.catalog)
        return [of_rows(self.name, rows, found)]


class EpisodeConsistency(_Consistency):
    """The same in conversations: the mean over an episode's turns. Unit episode, greedy and sampled apart."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "episodes"
    name = "consistency_episodes"

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        episodes = [one for one in cast("Sequence[Episode]", judged) if one.transitions]
        if not episodes:
            return [Absent(self.name, "there are no episodes with a turn")]
        means = [
            fmean(self.judge([(step.state, step.action) for step in one.transitions], corpus.catalog))
            for one in episodes
        ]
        return of_episodes(self.name, episodes, means)
